//! The commands, one file each.

mod config;
mod dag;
mod init;
mod log;
mod run;
mod show;
mod status;
mod target;
mod tracer;

use roar_store::JobKind;

use crate::cli::Command;
use crate::env::Environment;
use crate::error::CliError;

/// Does what was asked for, and returns the exit status.
pub(crate) fn call(command: Command, environment: &Environment) -> Result<u8, CliError> {
    match command {
        Command::Init(args) => init::init(&args, environment)?,
        Command::Run(args) => return run::run(args, JobKind::Run, environment),
        Command::Build(args) => return run::run(args, JobKind::Build, environment),
        Command::Status(args) => status::status(&args, environment)?,
        Command::Log(args) => log::log(&args, environment)?,
        Command::Show(args) => show::show(&args, environment)?,
        Command::Dag(args) => dag::dag(&args, environment)?,
        Command::Tracer(command) => tracer::tracer(&command, environment)?,
        Command::Config(command) => config::config(&command, environment)?,
    }
    Ok(0)
}
