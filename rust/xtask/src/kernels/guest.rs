//! One machine, from its kernel's start to the status that its first script tells at the end.

use std::path::Path;

use anyhow::{Result, bail};

use super::image::Image;
use crate::machine::Machine;
use crate::workspace;

/// What a machine is made of, and the parameters of the kernel that go with it.
#[derive(Clone, Copy)]
pub(super) struct Hardware {
    words: &'static [&'static str],
    parameters: &'static str,
}

/// A board without surprises, and two processors. Never the host's own virtualisation: where that is offered, Debian's kernels need not
/// start under it. Five levels of page tables are what an emulated kernel of 6.19 once in a while does not survive. The processors' own clock is
/// the host's, whose rate the kernel measures wrongly where the host is busy; then it may also miss the timer's interrupts and give up.
pub(super) const TWO_PROCESSORS: Hardware = Hardware {
    words: &[
        "-accel",
        "tcg,thread=multi",
        "-machine",
        "q35",
        "-cpu",
        "max,la57=off",
        "-smp",
        "2",
        "-m",
        "1024",
    ],
    parameters: "console=ttyS0 nokaslr no_timer_check clocksource=acpi_pm",
};

/// The same with one processor whose clock counts its instructions: a nanosecond is one. While it has nothing to do, the clock jumps.
pub(super) const COUNTING: Hardware = Hardware {
    words: &[
        "-accel",
        "tcg,thread=single",
        "-icount",
        "shift=0,sleep=off",
        "-machine",
        "q35",
        "-cpu",
        "max,la57=off",
        "-smp",
        "1",
        "-m",
        "1024",
    ],
    parameters: "console=ttyS0 nokaslr tsc=reliable",
};

/// A boot and all cases take about two minutes on two processors that others use as well.
const SECONDS_MAX: u32 = 1200;

/// How many times a machine is started whose kernel panics: now and then it is the emulator's fault.
const STARTS_MAX: u32 = 2;

/// How the first script tells the status of what it ran.
const STATUS: &str = "guest: ended with ";

const PANIC: &str = "Kernel panic";

pub(super) struct Guest<'a> {
    pub(super) image: &'a Image,
    pub(super) initramfs: &'a Path,
    pub(super) hardware: Hardware,
}

impl Guest<'_> {
    /// Boots, tells `heard` what the console says, and returns the status of the command.
    pub(super) fn boot(&self, mut heard: impl FnMut(&str)) -> Result<i32> {
        let Self { image, initramfs, hardware } = *self;
        let log = workspace::target(&format!("kernels/console-{}.log", image.release));
        let machine = Machine {
            program: "qemu-system-x86_64",
            hardware: hardware.words,
            kernel: &image.path,
            initramfs,
            parameters: hardware.parameters,
            seconds_max: SECONDS_MAX,
        };
        let mut starts = 1;
        loop {
            let mut status = None;
            let mut has_panicked = false;
            let ending = machine.run(&log, |line| {
                heard(line);
                has_panicked |= line.contains(PANIC);
                // What was said before may lack its last line end.
                let told = line.find(STATUS).map(|at| &line[at + STATUS.len()..]);
                status = told.and_then(|word| word.parse().ok()).or(status);
            })?;
            match status {
                Some(status) => return Ok(status),
                None if has_panicked && starts < STARTS_MAX => {
                    println!("{image}: the kernel panicked; once more");
                    starts += 1;
                }
                None => bail!("it did not come to its end ({ending}); its console is in {}", log.display()),
            }
        }
    }
}
