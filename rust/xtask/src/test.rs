//! `cargo xtask test`: builds the released programs, which the conformance and command-line tests start, and runs every
//! test of the workspace.

use anyhow::Result;

use crate::flags::Flags;
use crate::nextest::Nextest;
use crate::workspace;

/// Backends that must work wherever the tests run; another one is skipped with its reason.
const REQUIRED_BACKENDS: &str = "ptrace,preload,hooked,musl,ebpf";

pub(crate) fn run(flags: Flags) -> Result<()> {
    all(&flags.raw())
}

/// Runs all tests, or those that `extra` arguments of nextest choose.
pub(crate) fn all(extra: &[String]) -> Result<()> {
    workspace::build_programs(&workspace::shell()?)?;
    Nextest::new(["--workspace"]).args(extra).require(REQUIRED_BACKENDS).run()
}
