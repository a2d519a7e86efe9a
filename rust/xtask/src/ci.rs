//! `cargo xtask ci`: everything that must pass before a change lands, cheapest first, the tests last so that their
//! closing line closes the output.

use anyhow::Result;

use crate::flags::Flags;
use crate::{exports, kernels, lint, probe, test, workspace};

/// The kernels besides this machine's on which every change to the eBPF tracer is tried: the oldest that Debian still has, and its newest
/// release's. `cargo xtask kernels` tries more, under ptrace as well.
const OTHER_KERNELS: &[&str] = &["5.10", "6.12"];

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    lint::all()?;
    let other_probe = probe::check()?;
    workspace::build_programs(&workspace::shell()?)?;
    exports::all()?;
    kernels::required(OTHER_KERNELS, "ebpf::")?;
    match other_probe {
        None => test::all(&[]),
        Some(object) => test::all_with_probe(&object),
    }
}
