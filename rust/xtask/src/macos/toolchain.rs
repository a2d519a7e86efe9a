//! What links for macOS on another system: Debian's Rust compiler with the source of `core`, and zig, which brings Apple's
//! symbols and writes Mach-O without an SDK. All of it is kept in `target/macos`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::debian::{self, Archive};
use crate::{env, workspace};

/// Packages of Python's, by the versions that were tried together.
const PYTHON_PACKAGES: &[&str] =
    &["ziglang==0.17.1", "cargo-zigbuild==0.24.0", "lief==1.0.0", "unicorn==2.1.4"];

/// The first macOS on 64-bit Arm. zig would say a newer one.
pub(super) const OLDEST_MACOS: &str = "11.0";

pub(super) struct Toolchain {
    rustc: PathBuf,
    /// The folder with Python and what was installed for it.
    python: PathBuf,
}

impl Toolchain {
    pub(super) fn fetch(shell: &Shell) -> Result<Self> {
        let folder = workspace::target("macos");
        let host = Archive::open(shell, debian::COMPILER_RELEASE, "amd64", folder.join("apt-amd64"))?;
        let rustc = debian::unpack_compiler(&host, &["rust-web-src"], &folder.join("toolchain"))?;
        let python = folder.join("python");
        install_python_packages(shell, &python)?;
        Ok(Self { rustc, python })
    }

    /// Builds the preload library and returns the path of the dylib.
    pub(super) fn build(&self, shell: &Shell, target: &str) -> Result<PathBuf> {
        let folder = workspace::target("macos/build");
        let program = self.python.join("bin/cargo-zigbuild");
        cmd!(shell, "{program} zigbuild --locked --release -Zbuild-std=core -Zwarnings --target {target}")
            .args(["--config", "build.warnings='deny'", "--package", "tracer-preload-library"])
            .env(env::PATH, env::path_with(&self.python.join("bin")))
            .env(env::RUSTC, &self.rustc)
            .env(env::RUSTC_BOOTSTRAP, "1")
            .env(env::CARGO_TARGET_DIR, &folder)
            .env(env::MACOS_OLDEST, OLDEST_MACOS)
            .env(env::ZIG_CACHE, workspace::target("macos/zig"))
            .env(env::ZIGBUILD_CACHE, workspace::target("macos/zigbuild"))
            // There is none, and zig is not to look for one.
            .env(env::MACOS_SDK, "/nonexistent")
            // Debian's compiler comes without the program that strips.
            .env(env::RELEASE_STRIP, "none")
            // Set by the cargo that runs this task, for its own compiler.
            .env_remove(env::LIBRARY_PATH)
            .run()?;
        Ok(folder.join(target).join("release/libroar_preload.dylib"))
    }

    /// Returns the path of the list of the symbols of libSystem, which comes with zig.
    pub(super) fn libsystem(&self, shell: &Shell) -> Result<PathBuf> {
        let folder = self.python.join("lib");
        let version = shell.read_dir(&folder)?.into_iter().find(|entry| entry.join("site-packages").is_dir());
        let version = version.with_context(|| format!("no packages in {}", folder.display()))?;
        Ok(version.join("site-packages/ziglang/lib/libc/darwin/libSystem.tbd"))
    }

    /// Returns a command that runs a script of ours with the packages at hand.
    pub(super) fn script<'a>(&self, shell: &'a Shell, text: &str) -> Cmd<'a> {
        let python = self.python.join("bin/python");
        cmd!(shell, "{python} -c {text}").quiet()
    }
}

/// Installs what is missing, once.
fn install_python_packages(shell: &Shell, folder: &Path) -> Result<()> {
    let stamp = folder.with_extension("packages");
    let wanted = PYTHON_PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    shell.remove_path(folder)?;
    cmd!(shell, "python3 -m venv {folder}")
        .quiet()
        .run()
        .context("python3 has no venv; install python3-venv")?;
    let python = folder.join("bin/python");
    cmd!(shell, "{python} -m pip install --quiet --disable-pip-version-check {PYTHON_PACKAGES...}")
        .quiet()
        .run()?;
    shell.write_file(stamp, wanted)?;
    Ok(())
}
