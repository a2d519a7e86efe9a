//! The commands, one file each.

mod completions;
mod config;
mod dag;
mod diff;
mod env;
mod export;
mod filter;
mod gc;
mod init;
mod inputs;
mod label;
mod lineage;
mod log;
mod man;
mod pop;
mod ray;
mod reproduce;
mod rerun;
mod reset;
mod run;
mod show;
mod stale;
mod status;
mod target;
mod tracer;
mod verify;
mod why;

use roar_store::JobKind;

use crate::cli::{Command, PopArgs};
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
        Command::Lineage(args) => lineage::lineage(&args, environment)?,
        Command::Inputs(args) => inputs::inputs(&args, environment)?,
        Command::Why(args) => why::why(&args, environment)?,
        Command::Diff(args) => diff::diff(&args, environment)?,
        Command::Verify(args) => return verify::verify(&args, environment),
        Command::Stale(args) => return stale::stale(&args, environment),
        Command::Reproduce(args) => return reproduce::reproduce(&args, environment),
        Command::Rerun(args) => return rerun::rerun(&args, environment),
        Command::Export(args) => export::export(&args, environment)?,
        Command::Label(args) => label::label(&args, environment)?,
        Command::Env(args) => env::env(&args, environment)?,
        Command::Filter(args) => filter::filter(&args, environment)?,
        Command::Pop(PopArgs {}) => pop::pop(environment)?,
        Command::Reset(args) => return reset::reset(&args, environment),
        Command::Gc(args) => gc::gc(&args, environment)?,
        Command::Ray(command) => return ray::ray(command, environment),
        Command::Tracer(args) => return tracer::tracer(&args, environment),
        Command::Config(command) => config::config(&command, environment)?,
        Command::Completions(args) => completions::completions(&args)?,
        Command::Man(args) => man::man(&args)?,
    }
    Ok(0)
}
