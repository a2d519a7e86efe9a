//! `cargo xtask lint`: formatting, clippy, documentation and the house rules, each warning an error.

use anyhow::Result;
use xshell::cmd;

use crate::flags::Flags;
use crate::{env, tidy, workspace};

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    all()
}

pub(crate) fn all() -> Result<()> {
    let shell = workspace::shell()?;
    cmd!(shell, "cargo fmt --all --check").run()?;
    tidy::all()?;
    cmd!(shell, "cargo clippy --locked --workspace --all-targets -- --deny warnings").run()?;
    cmd!(shell, "cargo doc --locked --workspace --no-deps --document-private-items")
        .env(env::RUSTDOC_FLAGS, "--deny warnings")
        .run()?;
    Ok(())
}
