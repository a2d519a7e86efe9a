//! `cargo xtask macos`: links the preload library for macOS, and checks what can be checked of it without a Mac.
//!
//! The image is taken apart, and then run on an emulated processor against a macOS of a few functions, by two scripts of Python, which has
//! the packages for both. What remains unseen is macOS itself: its loader, its protections, its kernel.

mod list;
mod toolchain;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xshell::Shell;

use crate::flags::Flags;
use crate::macos::list::Hooks;
use crate::macos::toolchain::{OLDEST_MACOS, Toolchain};
use crate::workspace;

/// Apple's two architectures.
const ARCHITECTURES: &[&str] = &["aarch64", "x86_64"];

/// What the library is called in itself; its build script says so.
const INSTALL_NAME: &str = "@rpath/libroar_preload.dylib";

/// Each by its name and text.
const SCRIPTS: &[(&str, &str)] =
    &[("image", include_str!("macos/image.py")), ("emulation", include_str!("macos/emulation.py"))];

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    let shell = workspace::shell()?;
    let hooks = Hooks::read(&shell)?;
    let toolchain = Toolchain::fetch(&shell)?;
    let (mut passed, mut failed) = (0, 0);
    for architecture in ARCHITECTURES {
        let dylib = toolchain.build(&shell, &format!("{architecture}-apple-darwin"))?;
        for (name, text) in SCRIPTS {
            for line in check(&shell, &toolchain, text, architecture, &dylib, &hooks)?.lines() {
                match line.split_once('\t') {
                    Some(("ok", _)) => passed += 1,
                    Some(("FAIL", what)) => {
                        failed += 1;
                        println!("FAIL {architecture} {name}: {what}");
                    }
                    _ => println!("{architecture} {name}: {line}"),
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} checks of the library for macOS failed");
    Ok(())
}

/// Runs a script over a dylib and returns what it says.
fn check(
    shell: &Shell,
    toolchain: &Toolchain,
    script: &str,
    architecture: &str,
    dylib: &Path,
    hooks: &Hooks,
) -> Result<String> {
    let hooked: Vec<_> =
        hooks.symbols.iter().map(|(symbol, fixed)| json!({ "symbol": symbol, "fixed": fixed })).collect();
    let given = json!({
        "dylib": dylib,
        "architecture": architecture,
        "install_name": INSTALL_NAME,
        "oldest": OLDEST_MACOS,
        "libsystem": toolchain.libsystem(shell)?,
        "hooks": hooked,
        "table": hooks.table,
        "left_out": list::LEFT_OUT.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
    });
    toolchain
        .script(shell, script)
        .stdin(given.to_string())
        .read()
        .with_context(|| format!("a script stopped over {}", dylib.display()))
}
