//! `roar reset`: ends the session.

use crate::cli::ResetArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{phrase, place, ui};

/// Status where the person said no.
const DECLINED_STATUS: u8 = 1;

pub(crate) fn reset(args: &ResetArgs, environment: &Environment) -> Result<u8, CliError> {
    let mut store = place::store(environment)?;
    let Some(session) = store.session()? else {
        ui::say("no session is open");
        return Ok(0);
    };
    let jobs = phrase::count(session.jobs, "job");
    if !args.yes {
        let question =
            format!("End the session of {jobs}? Steps are numbered from @1 again; nothing is lost.");
        match ui::ask(&question) {
            Some(true) => {}
            Some(false) => return Ok(DECLINED_STATUS),
            None => {
                return Err(CliError::new(Kind::User, "nobody is there to be asked")
                    .with_hint("say yes beforehand with `roar reset -y`"));
            }
        }
    }
    store.end_session(phrase::now())?;
    ui::say(format_args!("ended the session of {jobs}; the next one begins with @1"));
    Ok(0)
}
