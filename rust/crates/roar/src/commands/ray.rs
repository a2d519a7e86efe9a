//! `roar ray worker`: what the Python package has Ray start in place of a worker's interpreter.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use roar_run::RunError;

use crate::cli::{RayCommand, WorkerArgs};
use crate::commands::run::{ended_as, surroundings};
use crate::env::{Environment, RAY_STORE};
use crate::error::{CliError, Kind};
use crate::place;

pub(crate) fn ray(command: RayCommand, environment: &Environment) -> Result<u8, CliError> {
    match command {
        RayCommand::Worker(args) => worker(args, environment),
    }
}

fn worker(args: WorkerArgs, environment: &Environment) -> Result<u8, CliError> {
    let Some(store) = environment.ray_store() else {
        let missing = format!("{RAY_STORE} does not say where what the worker does is to be left");
        let failure = CliError::new(Kind::User, missing);
        return Err(failure.with_hint("`roar run` has Ray call this; nobody else need"));
    };
    let config = place::config(environment, &[])?;
    match roar_run::run_worker(store, args.command.clone(), &config.settings, &surroundings(environment)) {
        Ok(exit) => Ok(ended_as(exit)),
        Err(error) => Err(run_unseen(&args, store, &error)),
    }
}

/// Becomes the worker, which comes before its record; the job is told that it is not seen.
fn run_unseen(args: &WorkerArgs, store: &Path, error: &RunError) -> CliError {
    roar_run::tell_unseen(store, &error.to_string());
    let [program, arguments @ ..] = &args.command[..] else {
        return CliError::from_error(Kind::Environment, error);
    };
    let not_run = Command::new(program).args(arguments).exec();
    CliError::from_error(Kind::Environment, &not_run)
}
