//! The conformance suite in a guest: all cases in one run of each backend, at the paths where the suite was built.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::initramfs::{Item, MTIME_BUILT, MTIME_SOURCE};
use crate::{env, suite, workspace};

/// The program of the suite that runs many cases in one run, and what has all programs of the cases built.
const SUITE: &str = "together";
const BUILDER: &str = "conformance";
const BUILD: &str = "meta::every_program_compiles";

/// Builds the suite and the programs of its cases, and returns them with all that it reads.
pub(super) fn build(shell: &Shell) -> Result<Vec<Item>> {
    let suite = suite::program(cmd!(shell, "cargo test --locked"), SUITE)?;
    let builder = suite::program(cmd!(shell, "cargo test --locked"), BUILDER)?;
    cmd!(shell, "{builder} --exact {BUILD}").ignore_stdout().run()?;
    let mut items = vec![Item { path: "/suite".into(), from: suite, mtime: MTIME_BUILT }];
    let tests = workspace::root().join("tests");
    let mut sources = vec![tests.join("conformance/cases")];
    sources.extend(shell.read_dir(tests.join("programs"))?);
    let mut add = |folder: PathBuf, mtime| -> Result<()> {
        let files = shell.read_dir(folder)?.into_iter().filter(|path| path.is_file());
        items.extend(files.map(|path| Item { path: path.clone(), from: path, mtime }));
        Ok(())
    };
    for folder in sources {
        add(folder, MTIME_SOURCE)?;
    }
    add(workspace::target("tmp/programs"), MTIME_BUILT)?;
    Ok(items)
}

/// Returns the command that runs the cases whose names hold `case`. It finds the tools of this machine, and none of busybox.
pub(super) fn command(case: &str) -> String {
    let (together, roar) = (env::TOGETHER, env::ROAR);
    format!(
        "PATH=/usr/sbin:/usr/bin {together}=1 {roar}=/roar/roar exec /suite --color never --test-threads 1 {case}"
    )
}
