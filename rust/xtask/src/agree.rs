//! `cargo xtask agree`: random programs of file operations, bare and under each backend, held against one another and against a model.

use anyhow::Result;
use xshell::cmd;

use crate::flags::Flags;
use crate::workspace;

pub(crate) fn run(flags: Flags) -> Result<()> {
    let shell = workspace::shell()?;
    workspace::build_programs(&shell)?;
    let words = flags.raw();
    cmd!(shell, "cargo run --locked --quiet --package agree -- {words...}").run()?;
    Ok(())
}
