//! The open session.

use std::fmt::Write;

use roar_store::Store;
use serde::Serialize;

use super::unwritten;
use crate::cli::ShowArgs;
use crate::commands::log;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::phrase;
use crate::ui::{self, Role};
use crate::view::JobView;

#[derive(Serialize)]
struct SessionView {
    format: &'static str,
    id: String,
    started_at: String,
    jobs: Vec<JobView>,
}

pub(super) fn show(store: &Store, args: &ShowArgs, environment: &Environment) -> Result<(), CliError> {
    let Some(session) = store.session()? else {
        return Err(CliError::new(Kind::User, "nothing is recorded yet")
            .with_hint("record something with `roar run CMD`"));
    };
    let mut jobs = store.jobs_of_session(session.key, usize::MAX)?;
    jobs.reverse();
    if args.json {
        return ui::print_json(&SessionView {
            format: "roar.session/1",
            id: session.id,
            started_at: roar_store::rfc3339(session.started_unix_ns),
            jobs: jobs.iter().map(JobView::from).collect(),
        });
    }
    let mut page = String::new();
    let heading = Role::Heading.paint("session");
    let count = phrase::count(session.jobs, "job");
    writeln!(page, "{heading} {}\n{count} since {}\n", session.id, phrase::time(session.started_unix_ns))
        .map_err(unwritten)?;
    log::table(&jobs, |_| true).write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}
