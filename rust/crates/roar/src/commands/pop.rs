//! `roar pop`: forgets the record of the last job.

use super::target;
use crate::env::Environment;
use crate::error::CliError;
use crate::view::command_line;
use crate::{place, ui};

pub(crate) fn pop(environment: &Environment) -> Result<(), CliError> {
    let mut store = place::store(environment)?;
    let job = target::find_job(&store, None, environment)?;
    store.forget(&job)?;
    ui::say(format_args!("forgot @{}: {}", job.step, command_line(&job.command)));
    Ok(())
}
