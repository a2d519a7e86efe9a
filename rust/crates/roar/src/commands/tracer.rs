//! `roar tracer`: shows, chooses, checks and sets up what observes commands.

mod privileges;
mod view;

use std::ffi::OsString;

use roar_config::{Config, Origin, TracerMode};
use roar_run::{Backend, Preflight};

use crate::cli::{CheckArgs, TracerArgs, TracerCommand};
use crate::commands::config;
use crate::commands::run::surroundings;
use crate::env::Environment;
use crate::error::CliError;
use crate::place;
use crate::ui;

use view::{BackendView, CheckView, TracerView};

/// Status where the backend cannot be used.
const UNUSABLE_STATUS: u8 = 1;

pub(crate) fn tracer(args: &TracerArgs, environment: &Environment) -> Result<u8, CliError> {
    match &args.command {
        None => return overview(args.json, environment),
        Some(TracerCommand::Use { mode, global }) => choose(mode, *global, environment)?,
        Some(TracerCommand::Check(check_args)) => return check(check_args, args.json, environment),
        Some(TracerCommand::Enable(args)) => privileges::enable(args, environment)?,
        Some(TracerCommand::Disable(args)) => privileges::disable(args, environment)?,
    }
    Ok(0)
}

/// Asks these backends at once, of a command as well if there is one.
fn ask(
    backends: &[Backend],
    command: &[OsString],
    config: &Config,
    environment: &Environment,
) -> Vec<BackendView> {
    let around = surroundings(environment);
    let repo = place::repo(environment);
    let mut preflight = Preflight::new(&config.settings, &around, repo.as_ref());
    let answers = preflight.ask_all(backends, command);
    let views = backends.iter().zip(answers);
    views.map(|(backend, answer)| BackendView::new(*backend, answer, &preflight)).collect()
}

fn overview(is_json: bool, environment: &Environment) -> Result<u8, CliError> {
    let config = place::config(environment, &[])?;
    let backends = ask(Backend::ALL, &[], &config, environment);
    let view = TracerView::new(&config, backends);
    if is_json {
        ui::print_json(&view)?
    } else {
        ui::print(&view.page())?
    }
    Ok(if view.is_traceable() { 0 } else { UNUSABLE_STATUS })
}

fn check(args: &CheckArgs, is_json_above: bool, environment: &Environment) -> Result<u8, CliError> {
    let config = place::config(environment, &[])?;
    let mode = TracerMode::from_name(&args.mode).unwrap_or(TracerMode::Auto);
    let backends = Backend::of_mode(mode).map_or(Backend::ALL.to_vec(), |backend| vec![backend]);
    let view = CheckView::new(mode, ask(&backends, &args.command, &config, environment));
    if args.json || is_json_above {
        ui::print_json(&view)?
    } else {
        ui::print(&view.page())?
    }
    Ok(if view.is_usable() { 0 } else { UNUSABLE_STATUS })
}

fn choose(mode: &str, is_global: bool, environment: &Environment) -> Result<(), CliError> {
    config::set(is_global, "tracer.mode", mode, environment)?;
    let entry = place::config(environment, &[])?.get("tracer.mode")?.clone();
    // Somebody with a later word may say something else.
    if entry.value.to_text() != mode {
        let by = match &entry.origin {
            Origin::Variable { name } => name.clone(),
            Origin::User { path, line } | Origin::Repository { path, line } => {
                format!("{}:{line}", path.display())
            }
            Origin::Default | Origin::Flag { .. } => "another layer".to_owned(),
        };
        ui::warn(format_args!("here {by} says `{}`, which wins", entry.value.to_text()));
    }
    Ok(())
}
