//! Flags of the commands that answer from what was recorded.

use std::ffi::OsString;

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
