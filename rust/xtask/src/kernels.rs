//! `cargo xtask kernels`: the tracers on other kernels than this machine's, Debian's, in emulated machines.
//!
//! A kernel comes as a package, is unpacked into `target/kernels` and boots there in qemu with an initramfs, in seconds: busybox, the
//! programs of roar, and what they need of this machine's libraries. Nothing is installed.

mod cases;
mod counts;
mod guest;
mod image;
mod payload;

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use anyhow::{Result, ensure};
use xshell::Shell;

pub(crate) use counts::run as run_counts;

use crate::debian;
use crate::flags::Flags;
use crate::kernels::guest::{Guest, TWO_PROCESSORS};
use crate::kernels::image::{Image, KERNELS, Kernel};
use crate::suite::{self, Outcome};
use crate::workspace;

/// What has to be installed: programs, and the Debian packages that have them.
const NEEDED: &[(&str, &str)] =
    &[("apt-get", "apt"), ("dpkg-deb", "dpkg"), ("qemu-system-x86_64", "qemu-system-x86")];

/// Machines that run at a time unless another number is asked for: each has two processors, and waits now and then.
const JOBS: usize = 2;

/// How a machine came to its end.
struct End {
    /// The status of the command.
    status: i32,
    /// What the suite said at its end, if it was the command.
    outcome: Option<Outcome>,
}

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let mut chosen = Vec::new();
    while let Some(release) = flags.value::<String>("--release")? {
        chosen.push(release);
    }
    let jobs = flags.value("--jobs")?.unwrap_or(JOBS).max(1);
    let is_required = flags.switch("--require");
    let command: Option<String> = flags.value("--shell")?;
    let case = flags.value::<String>("--case")?.unwrap_or_default();
    flags.finish()?;
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    match command {
        Some(command) => shell_on(&chosen, is_required, jobs, &command),
        None => cases_on(&chosen, is_required, jobs, &case),
    }
}

/// Runs the cases with `case` in their names on these kernels, each of which has to be had.
pub(crate) fn required(releases: &[&str], case: &str) -> Result<()> {
    cases_on(releases, true, JOBS, case)
}

/// Runs the cases with `case` in their names on the chosen kernels, or on all.
fn cases_on(chosen: &[&str], is_required: bool, jobs: usize, case: &str) -> Result<()> {
    let (shell, images) = prepare(chosen, is_required)?;
    let initramfs = payload::write(&shell, "cases", &images, &cases::command(case), cases::build(&shell)?)?;
    let mut total = Outcome::default();
    let is_well = run_all(&images, &initramfs, jobs, |image, end| match &end.outcome {
        Some(outcome) => {
            println!("{image}: {outcome}");
            total.add(outcome);
            end.status == 0
        }
        None => {
            println!("{image}: ended with {}, and without a summary", end.status);
            false
        }
    });
    println!("{total}");
    is_well
}

/// Runs one command on the chosen kernels, or on all.
fn shell_on(chosen: &[&str], is_required: bool, jobs: usize, command: &str) -> Result<()> {
    let (shell, images) = prepare(chosen, is_required)?;
    let initramfs = payload::write(&shell, "command", &images, command, Vec::new())?;
    run_all(&images, &initramfs, jobs, |image, end| {
        println!("{image}: ended with {}", end.status);
        end.status == 0
    })
}

/// Fetches the kernels and builds what runs on them.
fn prepare(chosen: &[&str], is_required: bool) -> Result<(Shell, Vec<Image>)> {
    debian::require_programs(NEEDED)?;
    let shell = workspace::shell()?;
    let images = fetch(&shell, chosen, is_required)?;
    ensure!(!images.is_empty(), "there is no kernel to boot");
    workspace::build_programs(&shell)?;
    Ok((shell, images))
}

/// Boots each of `images`, a few at a time; `is_well` judges each end, in their order.
fn run_all(
    images: &[Image],
    initramfs: &Path,
    jobs: usize,
    mut is_well: impl FnMut(&Image, &End) -> bool,
) -> Result<()> {
    let is_one = images.len() == 1;
    let mut failed = 0;
    for (image, end) in images.iter().zip(side_by_side(images, jobs, |image| boot(image, initramfs, is_one)))
    {
        match end {
            Ok(end) => failed += u32::from(!is_well(image, &end)),
            Err(error) => {
                println!("{image}: {error:#}");
                failed += 1;
            }
        }
    }
    ensure!(failed == 0, "it failed on {failed} kernels");
    Ok(())
}

/// Fetches the chosen kernels, or all; one that Debian has no more is skipped, unless it is required.
fn fetch(shell: &Shell, chosen: &[&str], is_required: bool) -> Result<Vec<Image>> {
    let releases = KERNELS.map(|kernel| kernel.release);
    let unknown = chosen.iter().find(|release| !releases.contains(release));
    ensure!(unknown.is_none(), "the releases are {}", releases.join(", "));
    let is_chosen = |kernel: &&Kernel| chosen.is_empty() || chosen.contains(&kernel.release);
    let mut images = Vec::new();
    for kernel in KERNELS.iter().filter(is_chosen) {
        match kernel.fetch(shell) {
            Ok(image) => images.push(image),
            Err(error) if is_required => return Err(error.context(format!("Linux {}", kernel.release))),
            Err(error) => println!("Linux {}: skipped: {error:#}", kernel.release),
        }
    }
    Ok(images)
}

fn boot(image: &Image, initramfs: &Path, is_one: bool) -> Result<End> {
    let prefix = if is_one { String::new() } else { format!("{}: ", image.release) };
    let mut outcome = None;
    let status = Guest { image, initramfs, hardware: TWO_PROCESSORS }.boot(|line| {
        // What is skipped because of the kernel is news, and what is because of the guest's few programs is not.
        if suite::is_news(line) || (line.contains(" ignored") && !line.contains("is not installed")) {
            println!("{prefix}{line}");
        }
        outcome = suite::parse(line).or(outcome.take());
    })?;
    Ok(End { status, outcome })
}

/// Does `work` for each of `items`, a few at a time, and returns what came of it in their order.
fn side_by_side<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
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
