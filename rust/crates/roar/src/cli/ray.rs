//! The command line of what concerns Ray.

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// What `roar ray` does.
#[derive(Debug, Subcommand)]
pub(crate) enum RayCommand {
    /// Fetch what was missing of a job when it was recorded
    ///
    /// What a Ray cluster has of a job that `roar run` did not wait for, or could not ask for, is put into the record. It may be done
    /// again and again. Ends with 1 while something is missing that may still come.
    Fetch(FetchArgs),
    /// Run a worker under a tracer of its own, which leaves what it sees where ROAR_RAY_STORE says
    #[command(hide = true)]
    Worker(WorkerArgs),
    /// Run the program of a submitted job as a worker is run
    #[command(hide = true)]
    Driver(WorkerArgs),
}

/// Arguments of `roar ray fetch`.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The job: a step (`@3`, `@last`), an id, or the id that Ray gave to what was submitted
    #[arg(value_name = "JOB")]
    pub(crate) job: OsString,
}

/// Arguments of `roar ray worker` and `roar ray driver`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}
