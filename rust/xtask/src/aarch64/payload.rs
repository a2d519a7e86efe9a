//! What is built here to run in the guest: roar, its tracer, the conformance suite and the programs of its cases.

use std::path::Path;

use anyhow::Result;
use xshell::Shell;

use super::programs;
use super::toolchain::{TARGET, Toolchain, build_folder};
use crate::initramfs::{Item, MTIME_BUILT, MTIME_SOURCE};
use crate::{suite, workspace};

/// Everything of ours that the guest has.
pub(super) struct Payload {
    pub(super) items: Vec<Item>,
    /// The script that the kernel starts.
    pub(super) init: String,
}

/// Cases that cannot pass in the guest, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("dynamic_linker_is_an_input", "it runs the dynamic linker of x86-64 by its name"),
    (
        "uring_uses_registered_files",
        "the guest's kernel refuses to register the buffer, without roar as well",
    ),
];

/// Builds all of it; the guest will run the cases whose names hold `case`.
pub(super) fn build(shell: &Shell, toolchain: &Toolchain, case: &str) -> Result<Payload> {
    let packages = ["--package", "roar", "--package", "tracer-ptrace"];
    toolchain.cargo(shell, &[&["build"], &packages[..]].concat()).run()?;
    let suite = suite::program(toolchain.cargo(shell, &["test"]), "conformance")?;

    let mut items = vec![Item { path: "/suite".into(), from: suite, mtime: MTIME_BUILT }];
    for program in ["roar", "roar-tracer-ptrace"] {
        let from = build_folder().join(TARGET).join("release").join(program);
        items.push(Item { path: Path::new("/roar").join(program), from, mtime: MTIME_BUILT });
    }
    programs::build(shell, toolchain, &mut items)?;
    let package = workspace::root().join("tests/conformance");
    for cases in shell.read_dir(package.join("cases"))? {
        items.push(Item { path: cases.clone(), from: cases, mtime: MTIME_SOURCE });
    }
    for (case, why) in LEFT_OUT {
        eprintln!("left out: {case}: {why}");
    }
    let init = include_str!("init.sh").replace("{arguments}", &arguments(case));
    Ok(Payload { items, init })
}

/// Returns the suite's arguments, as words for the shell.
fn arguments(case: &str) -> String {
    let skipped = LEFT_OUT.iter().map(|(case, _)| format!("--skip {case} "));
    format!("{}'{case}'", skipped.collect::<String>())
}
