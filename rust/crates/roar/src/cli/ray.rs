//! The command line of what concerns Ray.

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// What `roar ray` does.
#[derive(Debug, Subcommand)]
pub(crate) enum RayCommand {
    /// Run a worker under a tracer of its own, which leaves what it sees where ROAR_RAY_STORE says
    Worker(WorkerArgs),
}

/// Arguments of `roar ray worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The worker and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}
