//! `cargo xtask exports`: what `roar export` writes, judged by the standards' own libraries, by make and by DVC.
//!
//! Python's package index has them; they are put into `target/exports`.

use anyhow::Result;
use xshell::cmd;

use crate::flags::Flags;
use crate::{python, workspace};

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    workspace::build_programs(&workspace::shell()?)?;
    all()
}

/// Judges the exports of the released program.
pub(crate) fn all() -> Result<()> {
    let shell = workspace::shell()?;
    let root = workspace::target("exports");
    let python = python::environment(&shell, &root, "tests/exports/requirements.txt")?;
    let (roar, world) = (workspace::roar(), root.join("world"));
    cmd!(shell, "{python} tests/exports/check.py {roar} {world}").run()?;
    Ok(())
}
