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
use crate::ui::{self, Lazy, Pages, Role};
use crate::view::JobView;

#[derive(Serialize)]
struct SessionView<J: Serialize> {
    format: &'static str,
    id: String,
    started_at: String,
    jobs: J,
}

pub(super) fn show(store: &Store, args: &ShowArgs, environment: &Environment) -> Result<(), CliError> {
    let Some(session) = store.session()? else {
        return Err(CliError::new(Kind::User, "nothing is recorded yet")
            .with_hint("record something with `roar run CMD`"));
    };
    if args.json {
        let mut jobs = store.jobs_of_session(session.key, usize::MAX)?;
        jobs.reverse();
        let view = SessionView {
            format: "roar.session/1",
            id: session.id,
            started_at: roar_store::rfc3339(session.started_unix_ns),
            jobs: Lazy(|| jobs.iter().map(JobView::from)),
        };
        return ui::print_long_json(&view, jobs.len());
    }
    let mut page = String::new();
    let heading = Role::Heading.paint("session");
    let count = phrase::count(session.jobs, "job");
    writeln!(page, "{heading} {}\n{count} since {}\n", session.id, phrase::time(session.started_unix_ns))
        .map_err(unwritten)?;
    let mut pages = Pages::new(environment);
    pages.write(&page)?;
    log::list(Some(session.key), pages, environment, |tell| {
        store.each_job_line_of_session(session.key, tell)
    })?;
    Ok(())
}
