//! `cargo xtask ray`: the wheel, and roar under Ray, on this machine.
//!
//! Python's package index has Ray; it is put into `target/ray`, half a gigabyte of it.

use anyhow::{Context, Result};
use xshell::cmd;

use crate::env::WHEEL_PROFILE;
use crate::flags::Flags;
use crate::{python, workspace};

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let is_bench = flags.switch("--bench");
    flags.finish()?;
    let shell = workspace::shell()?;
    workspace::build_programs(&shell)?;
    let root = workspace::target("ray");
    let python = python::environment(&shell, &root, "../python/tests/requirements.txt")?;
    let wheels = root.join("wheels");
    shell.remove_path(&wheels)?;
    let _profile = shell.push_env(WHEEL_PROFILE, "release");
    let checkout = workspace::checkout();
    let build = ["wheel", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps"];
    cmd!(shell, "{python} -m pip {build...} --wheel-dir {wheels} {checkout}").run()?;
    let wheel = shell.read_dir(&wheels)?.pop().context("pip has made no wheel")?;
    let install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--force-reinstall"];
    cmd!(shell, "{python} -m pip {install...} {wheel}").run()?;
    if is_bench {
        cmd!(shell, "{python}").arg(checkout.join("python/benches/ray_tasks.py")).run()?;
        return Ok(());
    }
    let tests = checkout.join("python/tests");
    cmd!(shell, "{python} -m pytest --quiet -p no:cacheprovider --wheel {wheel} {tests}").run()?;
    Ok(())
}
