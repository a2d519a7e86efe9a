//! `roar completions`: what a shell needs to complete command lines.

use crate::cli::{self, CompletionsArgs};
use crate::error::CliError;
use crate::ui;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::definition(), "roar", &mut script);
    ui::print(&String::from_utf8_lossy(&script))
}
