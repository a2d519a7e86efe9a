//! `cargo xtask kernels`: the tracers on other kernels than this machine's, Debian's, in emulated machines.
//!
//! A kernel comes as a package, is unpacked into `target/kernels` and boots there in qemu with an initramfs, in seconds: busybox, the
//! programs of roar, and what they need of this machine's libraries. Nothing is installed.

mod cases;
mod guest;
mod image;
mod payload;

use std::sync::Mutex;
use std::thread;

use anyhow::{Result, ensure};

use crate::debian;
use crate::flags::Flags;
use crate::kernels::guest::{End, Guest};
use crate::kernels::image::KERNELS;
use crate::suite::Outcome;
use crate::workspace;

/// What has to be installed: programs, and the Debian packages that have them.
const NEEDED: &[(&str, &str)] =
    &[("apt-get", "apt"), ("dpkg-deb", "dpkg"), ("qemu-system-x86_64", "qemu-system-x86")];

/// Machines that run at a time unless another number is asked for: each has two processors, and waits now and then.
const JOBS: usize = 2;

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let mut chosen = Vec::new();
    while let Some(release) = flags.value::<String>("--release")? {
        ensure!(KERNELS.iter().any(|kernel| kernel.release == release), "the releases are {}", releases());
        chosen.push(release);
    }
    let jobs = flags.value("--jobs")?.unwrap_or(JOBS).max(1);
    let is_required = flags.switch("--require");
    let command: Option<String> = flags.value("--shell")?;
    let case = flags.value::<String>("--case")?.unwrap_or_default();
    flags.finish()?;

    debian::require_programs(NEEDED)?;
    let shell = workspace::shell()?;
    let mut images = Vec::new();
    for kernel in KERNELS
        .iter()
        .filter(|kernel| chosen.is_empty() || chosen.iter().any(|release| kernel.release == release))
    {
        match kernel.fetch(&shell) {
            Ok(image) => images.push(image),
            Err(error) if is_required => return Err(error),
            Err(error) => println!("Linux {}: skipped: {error:#}", kernel.release),
        }
    }
    workspace::build_programs(&shell)?;
    let initramfs = match &command {
        Some(command) => payload::write(&shell, command, Vec::new())?,
        None => payload::write(&shell, &cases::command(&case), cases::build(&shell)?)?,
    };
    let is_one = images.len() == 1;
    let ends = run_all(&images, jobs, |image| Guest { image, initramfs: &initramfs, is_one }.boot());
    let mut total = Outcome::default();
    let mut failed = 0;
    for (image, end) in images.iter().zip(ends) {
        let is_well = match end {
            Ok(End { status, outcome: Some(outcome) }) => {
                println!("{image}: {outcome}");
                total.add(&outcome);
                status == 0
            }
            Ok(End { status, outcome: None }) => {
                println!("{image}: ended with {status}");
                status == 0 && command.is_some()
            }
            Err(error) => {
                println!("{image}: {error:#}");
                false
            }
        };
        failed += u32::from(!is_well);
    }
    if command.is_none() {
        println!("{total}");
    }
    ensure!(failed == 0, "it failed on {failed} kernels");
    ensure!(!images.is_empty(), "there was no kernel to boot");
    Ok(())
}

/// Does `work` for each of `items`, a few at a time, and returns what came of it in their order.
fn run_all<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let waiting = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("nothing panics with it").next();
                    let Some((at, item)) = next else { break };
                    let result = work(item);
                    done.lock().expect("nothing panics with it").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nothing panics with it");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn releases() -> String {
    let names: Vec<&str> = KERNELS.iter().map(|kernel| kernel.release).collect();
    names.join(", ")
}
