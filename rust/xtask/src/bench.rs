//! `cargo xtask bench`: what tracing costs, as ratios of traced to bare, measured side by side.
//!
//! Every comparison is interleaved: each round runs every contestant once, in random order, so that whatever else the
//! machine does falls on all of them alike. The median over the rounds is the figure; the minimum stands beside it as
//! what a quiet machine would say.

mod hash;
mod large;
mod measure;
mod overhead;
mod scratch;
mod startup;
mod table;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::flags::Flags;
use crate::workspace;

pub(crate) use table::Table;

/// How thorough a benchmark is.
#[derive(Clone, Copy)]
struct Effort {
    /// Overrides the rounds that a benchmark would choose.
    rounds: Option<usize>,
    is_quick: bool,
    /// How many times as long loops are.
    times: u64,
}

impl Effort {
    /// Chooses the number of rounds.
    fn rounds(self, full: usize, quick: usize) -> usize {
        self.rounds.unwrap_or(if self.is_quick { quick } else { full }).max(1)
    }

    /// Makes a workload smaller for a quick look.
    fn size(self, full: u64) -> u64 {
        if self.is_quick { full / 10 } else { full }
    }

    /// Makes a loop smaller for a quick look, or so long that what a run costs before and after it does not count.
    fn count(self, full: u64) -> u64 {
        self.size(full) * self.times
    }
}

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let json_file: Option<PathBuf> = flags.value("--json")?;
    let effort = Effort {
        rounds: flags.value("--rounds")?,
        is_quick: flags.switch("--quick"),
        times: flags.value("--times")?.unwrap_or(1).max(1),
    };
    let tools: Option<String> = flags.value("--tools")?;
    let words = flags.words()?;

    workspace::build_programs(&workspace::shell()?)?;
    let results = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["hash"] => hash::run(effort)?,
        ["large"] => large::run(effort)?,
        ["startup"] => startup::run(effort)?,
        names => overhead::run(effort, names, tools.as_deref())?,
    };
    if let Some(file) = json_file {
        let document = json!({ "machine": machine(), "results": results });
        let text = serde_json::to_string_pretty(&document)? + "\n";
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// What a reader of the figures has to know of the machine.
fn machine() -> Value {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    json!({ "kernel": kernel.trim(), "cores": cores, "architecture": std::env::consts::ARCH })
}
