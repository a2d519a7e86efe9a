//! `cargo xtask test`: builds the released programs, which the conformance and command-line tests start, and runs every
//! test of the workspace.

use std::path::Path;

use anyhow::Result;

use crate::flags::Flags;
use crate::nextest::Nextest;
use crate::{env, workspace};

/// What must be there wherever the tests run, backends and the environment of the example project; else a test that takes it
/// would be skipped with its reason.
const REQUIRED: &str = "ptrace,preload,hooked,musl,ebpf,sklearn";

pub(crate) fn run(flags: Flags) -> Result<()> {
    all(&flags.raw())
}

/// Runs all tests, or those that `extra` arguments of nextest choose.
pub(crate) fn all(extra: &[String]) -> Result<()> {
    workspace::build_programs(&workspace::shell()?)?;
    tests().args(extra).run()
}

/// Runs all tests, with this kernel side of the eBPF tracer in place of the one in the checkout.
pub(crate) fn all_with_probe(object: &Path) -> Result<()> {
    let shell = workspace::shell()?;
    let _other = shell.push_env(env::PROBE_OBJECT, object);
    workspace::build_programs(&shell)?;
    tests().with(env::PROBE_OBJECT, &object.to_string_lossy()).run()
}

fn tests() -> Nextest {
    Nextest::new(["--workspace"]).require(REQUIRED)
}
