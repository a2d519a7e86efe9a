//! A Rust compiler with a standard library for 64-bit Arm: Debian's, unpacked. A toolchain by rustup has the standard
//! library of its own machine only, and those of another compiler version do not fit.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::debian::{self, Archive};
use crate::{env, workspace};

pub(super) const TARGET: &str = "aarch64-unknown-linux-gnu";
pub(super) const CC: &str = "aarch64-linux-gnu-gcc";

pub(super) struct Toolchain {
    /// Starts the unpacked compiler with its libraries.
    rustc: PathBuf,
}

impl Toolchain {
    pub(super) fn fetch(host: &Archive<'_>, arm: &Archive<'_>) -> Result<Self> {
        let folder = workspace::target("aarch64/toolchain");
        let arm_folder = workspace::target("aarch64/toolchain-arm64");
        let rustc = debian::unpack_compiler(host, &[], &folder)?;
        arm.unpack(&["libstd-rust-web-dev".to_owned()], &arm_folder)?;

        let libraries = "usr/lib/rustlib";
        let link = folder.join(libraries).join(TARGET);
        if link.symlink_metadata().is_err() {
            std::os::unix::fs::symlink(arm_folder.join(libraries).join(TARGET), &link)?;
        }
        Ok(Self { rustc })
    }

    /// Returns a cargo command for the target. Programs are static: they run in the guest whatever else it has.
    pub(super) fn cargo<'a>(&self, shell: &'a Shell, words: &[&str]) -> Cmd<'a> {
        cmd!(shell, "cargo {words...} --locked --release --target {TARGET}")
            .env(env::RUSTC, &self.rustc)
            .env(env::CARGO_TARGET_DIR, build_folder())
            .env(env::ARM_LINKER, CC)
            .env(env::ARM_RUST_FLAGS, "-Ctarget-feature=+crt-static")
            // Set by the cargo that runs this task, for its own compiler.
            .env_remove(env::LIBRARY_PATH)
    }

    /// Returns a compiler command for one file.
    pub(super) fn rustc<'a>(&self, shell: &'a Shell) -> Cmd<'a> {
        let rustc = &self.rustc;
        let linker = format!("-Clinker={CC}");
        cmd!(shell, "{rustc} --target {TARGET} {linker}").env_remove(env::LIBRARY_PATH).quiet()
    }
}

/// Returns cargo's target folder for these builds.
pub(super) fn build_folder() -> PathBuf {
    workspace::target("aarch64/build")
}
