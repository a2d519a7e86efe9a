//! The programs of the cases, built for the guest to where the suite expects them, as it would build them itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::toolchain::{CC, TARGET, Toolchain, build_folder};
use crate::initramfs::{Item, MTIME_BUILT, MTIME_SOURCE};
use crate::workspace;

/// How the suite builds its C programs.
const C_FLAGS: &[&str] = &["-std=gnu17", "-O1", "-D_GNU_SOURCE", "-pthread"];

/// Stands in for a program that only exists on another architecture: the status tells the suite that the machine
/// cannot do what the program shows, and its case is skipped.
const STAND_IN: &str = "#!/bin/sh\nexit 77\n";

/// Builds `tests/programs`, and adds what was built and the sources.
pub(super) fn build(shell: &Shell, toolchain: &Toolchain, items: &mut Vec<Item>) -> Result<()> {
    let built = build_folder().join(TARGET).join("tmp/programs");
    shell.create_dir(&built)?;
    let mut foreign = Vec::new();
    for folder in shell.read_dir(workspace::root().join("tests/programs"))? {
        for source in shell.read_dir(folder)? {
            let name = source.file_stem().and_then(|name| name.to_str());
            let name = name.context("a program's name is not UTF-8")?.to_owned();
            let program = built.join(&name);
            let extension = source.extension().and_then(|extension| extension.to_str());
            let is_program = matches!(extension, Some("c" | "rs"));
            if extension == Some("c") && !compile_c(shell, &source, &name, &program)? {
                fs::write(&program, STAND_IN)?;
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
                foreign.push(name);
            } else if extension == Some("rs") {
                compile_rust(shell, toolchain, &source, &name, &program)?;
            }
            if is_program {
                items.push(Item { path: program.clone(), from: program, mtime: MTIME_BUILT });
            }
            items.push(Item { path: source.clone(), from: source, mtime: MTIME_SOURCE });
        }
    }
    eprintln!("not for this architecture, and skipped: {}", foreign.join(", "));
    Ok(())
}

/// Compiles a C program; returns `false` if it is not one for this architecture, with calls that Arm never had.
fn compile_c(shell: &Shell, source: &Path, name: &str, program: &Path) -> Result<bool> {
    let text = fs::read_to_string(source)?;
    let asked = text.lines().filter_map(|line| line.strip_prefix("// build: "));
    let own: Vec<&str> = asked.flat_map(str::split_whitespace).collect();
    let linkage = name.ends_with("_static").then_some("-static");
    let output = cmd!(shell, "{CC} {C_FLAGS...} {linkage...} -o {program} {source} {own...}")
        .quiet()
        .ignore_status()
        .output()?;
    Ok(output.status.success())
}

fn compile_rust(
    shell: &Shell,
    toolchain: &Toolchain,
    source: &Path,
    name: &str,
    program: &Path,
) -> Result<()> {
    let words = ["-O", "--edition", "2024", "--crate-name", name];
    let linkage = name.ends_with("_static").then_some("-Ctarget-feature=+crt-static");
    toolchain.rustc(shell).args(words).args(linkage).arg("-o").arg(program).arg(source).run()?;
    Ok(())
}
