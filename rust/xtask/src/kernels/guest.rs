//! One machine, from its kernel's start to the status that its first script tells at the end.

use std::path::Path;

use anyhow::{Result, bail};

use super::image::Image;
use crate::machine::Machine;
use crate::suite::{self, Outcome};
use crate::workspace;

/// Never the host's own virtualisation: where that is offered, Debian's kernels need not start under it. Five levels of page tables are what
/// an emulated kernel of 6.19 once in a while does not survive.
const HARDWARE: &[&str] =
    &["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,la57=off", "-smp", "2", "-m", "1024"];

/// The kernel need not measure the clock of the emulator, which is not steady.
const PARAMETERS: &str = "console=ttyS0 nokaslr tsc=reliable";

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
    /// Whether no other machine speaks at the same time.
    pub(super) is_one: bool,
}

/// How a machine came to its end.
pub(super) struct End {
    /// The status of the command.
    pub(super) status: i32,
    /// What the suite said at its end, if it was the command.
    pub(super) outcome: Option<Outcome>,
}

impl Guest<'_> {
    /// Boots, passes the console on, and returns what the machine told at its end.
    pub(super) fn boot(&self) -> Result<End> {
        let release = self.image.release;
        let log = workspace::target(&format!("kernels/console-{release}.log"));
        let machine = Machine {
            program: "qemu-system-x86_64",
            hardware: HARDWARE,
            kernel: &self.image.path,
            initramfs: self.initramfs,
            parameters: PARAMETERS,
            seconds_max: SECONDS_MAX,
        };
        let prefix = if self.is_one { String::new() } else { format!("{release}: ") };
        for start in 1..=STARTS_MAX {
            let (mut status, mut outcome) = (None, None);
            let mut has_panicked = false;
            let ending = machine.run(&log, |line| {
                if suite::is_news(line) {
                    println!("{prefix}{line}");
                }
                outcome = suite::parse(line).or(outcome.take());
                has_panicked |= line.contains(PANIC);
                status = line.strip_prefix(STATUS).and_then(|word| word.parse().ok()).or(status);
            })?;
            match status {
                Some(status) => return Ok(End { status, outcome }),
                None if has_panicked && start < STARTS_MAX => {
                    println!("{}: the kernel panicked; once more", self.image);
                }
                None => bail!("it did not come to its end ({ending}); its console is in {}", log.display()),
            }
        }
        bail!("the kernel panicked {STARTS_MAX} times; its console is in {}", log.display())
    }
}
