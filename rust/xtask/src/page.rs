//! `cargo xtask page`: the page that `roar dag --html` writes, driven in headless Chromium.
//!
//! It takes Chromium, which apt has, and Playwright, which pip puts into `target/page`. It is not part of CI: Chromium is ten times as
//! large as all else that CI installs.

use anyhow::Result;
use xshell::cmd;

use crate::flags::Flags;
use crate::{python, workspace};

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let screenshot: Option<String> = flags.value("--screenshot")?;
    flags.finish()?;
    let shell = workspace::shell()?;
    workspace::build_programs(&shell)?;
    let root = workspace::target("page");
    let python = python::environment(&shell, &root, "tests/page/requirements.txt")?;
    let (roar, world) = (workspace::roar(), root.join("world"));
    cmd!(shell, "{python} tests/page/check.py {roar} {world} {screenshot...}").run()?;
    Ok(())
}
