//! The emulated machine: Debian's kernel and userland, and one boot that runs the suite.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::debian::{Archive, USERLAND};
use crate::machine::Machine;
use crate::suite::{self, Outcome};
use crate::workspace;

/// The whole of a boot and the suite takes minutes; a guest that hangs is ended.
const BOOT_SECONDS_MAX: u32 = 2400;

/// Emulated even where the host could do more: the result must not depend on the host.
const HARDWARE: &[&str] =
    &["-accel", "tcg,thread=multi", "-machine", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "2048"];

/// Fetches the newest kernel for virtual machines and returns the path of its image.
pub(super) fn fetch_kernel(arm: &Archive<'_>) -> Result<PathBuf> {
    let folder = workspace::target("aarch64/kernel");
    let mut images = arm.dependencies("linux-image-cloud-arm64")?;
    images.retain(|name| name.starts_with("linux-image-"));
    ensure!(!images.is_empty(), "Debian has no cloud kernel for arm64");
    arm.unpack(&images[images.len() - 1..], &folder)?;
    let boot = folder.join("boot");
    let entries = boot.read_dir().with_context(|| boot.display().to_string())?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz")))
        .context("the kernel's package holds no image")
}

/// Fetches the userland and busybox, and returns the folder of the one and the path of the other.
pub(super) fn fetch_userland(arm: &Archive<'_>) -> Result<(PathBuf, PathBuf)> {
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let userland = workspace::target("aarch64/userland");
    arm.unpack_with_dependencies(&own(USERLAND), &userland)?;
    let busybox = workspace::target("aarch64/busybox");
    arm.unpack(&own(&["busybox-static"]), &busybox)?;
    Ok((userland, busybox.join("usr/bin/busybox")))
}

/// Boots the guest, passes its console on, and returns what the suite said last.
pub(super) fn boot(kernel: &Path, initramfs: &Path) -> Result<Outcome> {
    let log = workspace::target("aarch64/console.log");
    let machine = Machine {
        program: "qemu-system-aarch64",
        hardware: HARDWARE,
        kernel,
        initramfs,
        parameters: "console=ttyAMA0",
        seconds_max: BOOT_SECONDS_MAX,
    };
    let mut outcome = None;
    let status = machine.run(&log, |line| {
        eprintln!("{line}");
        outcome = suite::parse(line).or(outcome.take());
    })?;
    match outcome {
        Some(outcome) if outcome.passed + outcome.failed > 0 => Ok(outcome),
        Some(_) => bail!("no case ran in the guest; its console is in {}", log.display()),
        None => bail!(
            "the suite did not come to its end in the guest ({status}); its console is in {}",
            log.display()
        ),
    }
}
