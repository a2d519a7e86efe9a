//! `cargo xtask aarch64`: builds everything for 64-bit Arm and runs the conformance suite on an emulated machine.
//!
//! Emulating a processor alone will not do: qemu's user mode has no ptrace. So a Debian kernel boots in qemu, with an
//! initramfs that holds Debian's own programs for the shell cases, our programs, and the suite itself, at the paths
//! where it was built. All of it is fetched by apt into `target/aarch64`; nothing is installed.

mod guest;
mod payload;
mod programs;
mod toolchain;

use anyhow::{Result, ensure};

use crate::aarch64::toolchain::Toolchain;
use crate::debian::{self, Archive};
use crate::flags::Flags;
use crate::initramfs::{self, Content};
use crate::workspace;

/// What has to be installed: programs, and the Debian packages that have them.
const NEEDED: &[(&str, &str)] = &[
    ("apt-get", "apt"),
    ("dpkg-deb", "dpkg"),
    ("qemu-system-aarch64", "qemu-system-arm"),
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
];

/// The cases that run unless others are asked for: all of the one backend that the guest has.
const CASES: &str = "ptrace::";

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let case = flags.value::<String>("--case")?.unwrap_or_else(|| CASES.to_owned());
    flags.finish()?;
    debian::require_programs(NEEDED)?;

    let shell = workspace::shell()?;
    let open = |architecture: &'static str| {
        let state = workspace::target("aarch64").join(format!("apt-{architecture}"));
        Archive::open(&shell, debian::COMPILER_RELEASE, architecture, state)
    };
    let (host, arm) = (open("amd64")?, open("arm64")?);
    let toolchain = Toolchain::fetch(&host, &arm)?;
    let kernel = guest::fetch_kernel(&arm)?;
    let (userland, busybox) = guest::fetch_userland(&arm)?;
    let payload = payload::build(&shell, &toolchain, &case)?;
    let initramfs = workspace::target("aarch64/initramfs.cpio");
    let content = Content {
        root: Some(&userland),
        busybox: &busybox,
        init: &payload.init,
        items: &payload.items,
        links: &[],
    };
    initramfs::write(&initramfs, &content)?;
    let outcome = guest::boot(&kernel, &initramfs)?;
    println!("{outcome}");
    ensure!(outcome.failed == 0, "{} cases failed on 64-bit Arm", outcome.failed);
    Ok(())
}
