//! Where things are in the checkout, and how the released programs get there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::env;

/// The packages whose programs make up a release, and what tests and benchmarks start.
const PROGRAMS: &[&str] = &["roar", "tracer-ptrace", "tracer-preload", "tracer-ebpf"];

/// The package of the library among them.
const LIBRARY: &str = "tracer-preload-library";

/// Returns the folder of the workspace, `rust/`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// Returns the folder of the checkout, above the workspace.
pub(crate) fn checkout() -> &'static Path {
    root().parent().expect("the workspace is a folder of the checkout")
}

/// Returns a path below cargo's target folder, for what a task makes or keeps.
pub(crate) fn target(below: &str) -> PathBuf {
    root().join("target").join(below)
}

/// Returns the path of the released `roar`.
pub(crate) fn roar() -> PathBuf {
    target("release/roar")
}

/// Returns a shell that stands in the workspace.
pub(crate) fn shell() -> Result<Shell> {
    let shell = Shell::new().context("failed to open a shell")?;
    shell.change_dir(root());
    Ok(shell)
}

/// Builds the programs of a release into `target/release`.
pub(crate) fn build_programs(shell: &Shell) -> Result<()> {
    let packages = PROGRAMS.iter().flat_map(|package| ["--package", package]);
    cmd!(shell, "cargo build --locked --release {packages...}").run()?;
    // Only as a whole can it do without what it does not use of the standard library, which no program would give it.
    cmd!(shell, "cargo build --locked --release --package {LIBRARY}").env_remove(env::RELEASE_LTO).run()?;
    Ok(())
}
