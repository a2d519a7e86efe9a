//! The `roar` program: flags in, use cases called, answers out.
//!
//! It decides nothing about lineage: running is `roar-run`, records are `roar-store`, the graph is `roar-dag`. It never
//! prints but through [`ui`], and reads the environment in [`mod@env`] alone.
//! Begin reading at [`cli`], then [`commands`].

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod coverage;
mod env;
mod error;
mod lineage;
mod naming;
mod phrase;
mod place;
mod quote;
mod replay;
mod ui;
mod view;

use std::process::ExitCode;

use crate::cli::Parsed;
use crate::env::Environment;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Parsed::Command(command) => command,
        Parsed::Answered { text, status } => {
            ui::print_usage(&text, status);
            return ExitCode::from(status);
        }
    };
    let failure_status = command.failure_status();
    let done = Environment::read().and_then(|environment| commands::call(command, &environment));
    ExitCode::from(done.unwrap_or_else(|error| {
        ui::print_error(&error);
        failure_status.unwrap_or_else(|| error.exit_status())
    }))
}
