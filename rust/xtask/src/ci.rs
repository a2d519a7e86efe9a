//! `cargo xtask ci`: everything that must pass before a change lands, cheapest first, the tests last so that their
//! closing line closes the output.

use anyhow::Result;

use crate::flags::Flags;
use crate::{exports, lint, probe, test, workspace};

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    lint::all()?;
    let other_probe = probe::check()?;
    workspace::build_programs(&workspace::shell()?)?;
    exports::all()?;
    match other_probe {
        None => test::all(&[]),
        Some(object) => test::all_with_probe(&object),
    }
}
