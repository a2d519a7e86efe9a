//! Flags of the commands that answer from what was recorded.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// Flags of `roar lineage`.
#[derive(Debug, Args)]
pub(crate) struct LineageArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List every file
    #[arg(long)]
    pub(crate) all: bool,
}

/// Flags of `roar inputs`.
#[derive(Debug, Args)]
pub(crate) struct InputsArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List those alone that no commit accounts for
    #[arg(long)]
    pub(crate) unsourced: bool,
}

/// Flags of `roar verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path; without one: every file of the session
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<OsString>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List every file, not only those that differ
    #[arg(long)]
    pub(crate) all: bool,
}

/// Flags of `roar stale`.
#[derive(Debug, Args)]
pub(crate) struct StaleArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar rerun`.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// Run only these steps, and those that they take from; they are still left out where they are not stale
    #[arg(value_name = "@N", value_parser = parse_step)]
    pub(crate) steps: Vec<StepWord>,
    /// List the steps, and run nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// A step of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepWord {
    Numbered(u64),
    Last,
}

fn parse_step(text: &str) -> Result<StepWord, String> {
    let step = match text.strip_prefix('@') {
        Some("last") => Some(StepWord::Last),
        number => number.and_then(|number| number.parse().ok()).map(StepWord::Numbered),
    };
    step.ok_or_else(|| "expected a step, as `@3` or `@last`".to_owned())
}

/// Flags of `roar why`.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// What was made: a hash or a path
    #[arg(value_name = "OUTPUT")]
    pub(crate) output: OsString,
    /// What it is said to come from: a hash or a path
    #[arg(value_name = "INPUT")]
    pub(crate) input: OsString,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path
    #[arg(value_name = "A")]
    pub(crate) one: OsString,
    /// Another
    #[arg(value_name = "B")]
    pub(crate) other: OsString,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar reproduce`.
#[derive(Debug, Args)]
pub(crate) struct ReproduceArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Do it in a clean checkout, and compare what comes out
    #[arg(long)]
    pub(crate) run: bool,
    /// Make the checkout there, in place of a temporary directory
    #[arg(long, value_name = "DIR", requires = "run")]
    pub(crate) dir: Option<PathBuf>,
    /// Install the recorded Python packages into a new environment without asking
    #[arg(short, long, requires = "run")]
    pub(crate) yes: bool,
}
