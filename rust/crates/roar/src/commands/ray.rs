//! `roar ray`: what the Python package has a cluster of Ray start in place of a worker's interpreter and of a submitted program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use roar_run::{Destination, FetchError, Part, RunError};

use crate::cli::{FetchArgs, RayCommand, WorkerArgs};
use crate::commands::run::{ended_as, surroundings, tell_recorded};
use crate::commands::target;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::place;
use crate::ui::Progress;

pub(crate) fn ray(command: RayCommand, environment: &Environment) -> Result<u8, CliError> {
    match command {
        RayCommand::Fetch(args) => fetch(&args, environment),
        RayCommand::Worker(args) => run(&args, Part::Worker, environment),
        RayCommand::Driver(args) => run(&args, Part::Driver, environment),
    }
}

fn fetch(args: &FetchArgs, environment: &Environment) -> Result<u8, CliError> {
    let config = place::config(environment, &[])?;
    let mut store = place::store(environment)?;
    let Some(repo) = place::repo(environment) else {
        return Err(CliError::new(Kind::Environment, "no `.roar` here or in a directory above"));
    };
    let submitted = args.job.to_str().and_then(|word| roar_run::job_of_submission(&repo, word));
    let word = submitted.map_or_else(|| args.job.clone(), OsString::from);
    let job = target::find_job(&store, Some(&word), environment)?;
    let progress = Progress::new(false, false);
    let around = surroundings(environment);
    let fetched = roar_run::fetch(&repo, &mut store, &job, &config.settings, &around, &progress);
    progress.finish();
    let fetched = fetched.map_err(|error| {
        let kind = match &error {
            FetchError::NothingKept { .. } | FetchError::InUse { .. } => Kind::User,
            FetchError::Damaged { .. } | FetchError::Record(_) => Kind::Environment,
        };
        CliError::from_error(kind, &error)
    })?;
    tell_recorded(&fetched.report, &fetched.job, false);
    Ok(u8::from(fetched.is_unfinished))
}

/// Runs a process of the cluster, which comes before its record: where it cannot be seen, it runs unseen.
fn run(args: &WorkerArgs, part: Part, environment: &Environment) -> Result<u8, CliError> {
    if roar_run::is_of_ray(&args.command) {
        return Err(become_it(args, "it is not to be seen"));
    }
    let around = surroundings(environment);
    let unseen = |reason: &str, destination: Option<&Destination>| {
        roar_run::tell_unseen(destination, &args.command, &around, reason);
        become_it(args, reason)
    };
    let config = place::config(environment, &[]).map_err(|error| unseen(&error.to_string(), None))?;
    let destination = Destination::new(&config.settings, &environment.variables)
        .map_err(|error| unseen(&error.to_string(), None))?;
    let command = args.command.clone();
    let ran = roar_run::run_worker(&destination, part, command, &config.settings, &around);
    ran.map(ended_as).map_err(|error| unseen(&words_of(&error), Some(&destination)))
}

fn words_of(error: &RunError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Becomes the process that was to be run under a tracer.
fn become_it(args: &WorkerArgs, reason: &str) -> CliError {
    let [program, arguments @ ..] = &args.command[..] else {
        return CliError::new(Kind::Environment, reason);
    };
    let not_run = Command::new(program).args(arguments).exec();
    CliError::from_error(Kind::Environment, &not_run).with_causes(vec![reason.to_owned()])
}
