//! `roar status`: the session, its last job, what is stale, and how the next run would be observed.

use std::fmt::Write;

use roar_lineage::Staleness;
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::StatusArgs;
use crate::commands::stale::{self, StepView};
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::Names;
use crate::ui::{self, Role};
use crate::view::{JobView, command_line};
use crate::{phrase, place};

/// Reasons that one line names; the others are counted.
const NAMED_REASONS_MAX: usize = 3;

/// Files that are looked at to see what is stale: the answer is to come at once. `roar stale` looks at all.
const FILES_MAX: u64 = 10_000;

#[derive(Serialize)]
struct Status {
    format: &'static str,
    directory: PathBytes,
    session: Option<SessionView>,
    last_job: Option<JobView>,
    stale: Vec<StepView>,
    /// Whether every step was looked at, or the newest alone.
    stale_is_whole: bool,
    tracer_mode: &'static str,
}

#[derive(Serialize)]
struct SessionView {
    id: String,
    started_at: String,
    jobs: u64,
    #[serde(skip)]
    started_unix_ns: i64,
}

pub(crate) fn status(args: &StatusArgs, environment: &Environment) -> Result<(), CliError> {
    let status = read(environment)?;
    if args.json {
        return ui::print_json(&status);
    }
    let mut page = String::new();
    write(&status, environment, &mut page)
        .map_err(|error| CliError::new(Kind::Internal, "cannot write the status").with_source(&error))?;
    ui::print(&page)
}

fn read(environment: &Environment) -> Result<Status, CliError> {
    let mut store = place::store(environment)?;
    let config = place::config(environment, &[])?;
    let session = store.session()?;
    let (stale, stale_is_whole) = match &session {
        Some(session) => {
            let staleness = Staleness::of_newest(&mut store, session.key, FILES_MAX)?;
            (stale::views(&staleness, Names::new(&store)?), staleness.is_whole)
        }
        None => (Vec::new(), true),
    };
    let directory = store.path().parent().unwrap_or(store.path()).into();
    Ok(Status {
        format: "roar.status/1",
        directory,
        last_job: store.last_job()?.as_ref().map(JobView::from),
        session: session.map(|session| SessionView {
            id: session.id,
            started_at: roar_store::rfc3339(session.started_unix_ns),
            jobs: session.jobs,
            started_unix_ns: session.started_unix_ns,
        }),
        stale,
        stale_is_whole,
        tracer_mode: config.settings.tracer_mode.name(),
    })
}

fn write(status: &Status, environment: &Environment, page: &mut String) -> std::fmt::Result {
    let mut line = |name: &str, text: String| {
        writeln!(page, "{}  {text}", Role::Heading.paint(format_args!("{name:<9}")))
    };
    match &status.session {
        None => line("session", "no jobs yet".to_owned())?,
        Some(session) => {
            let jobs = phrase::count(session.jobs, "job");
            line("session", format!("{jobs} since {}", phrase::time(session.started_unix_ns)))?;
        }
    }
    if let Some(job) = &status.last_job {
        line(
            "last job",
            format!("{} {}", Role::Step.paint(format_args!("@{}", job.step)), job.command_line()),
        )?;
        let mut facts = vec![
            job.started(),
            format!("exit {}", phrase::exit(job.exit)),
            phrase::duration(job.duration_ns),
            phrase::count(job.inputs, "input"),
            phrase::count(job.outputs, "output"),
            job.backend.clone(),
        ];
        facts.extend(Some(job.marks()).filter(|marks| !marks.is_empty()));
        line("", facts.join(", "))?;
    }
    line("tracer", status.tracer_mode.to_owned())?;
    match (status.stale.is_empty(), status.stale_is_whole) {
        (true, true) => return line("stale", "nothing".to_owned()),
        (true, false) => {
            return line("stale", "none of the newest steps (`roar stale` looks at all)".to_owned());
        }
        (false, _) => {}
    }
    let mut name = "stale";
    for step in &status.stale {
        let shown = step.reasons.iter().take(NAMED_REASONS_MAX);
        let mut reasons: Vec<String> = shown.map(|reason| stale::words(reason, environment)).collect();
        let more = step.reasons.len().saturating_sub(NAMED_REASONS_MAX);
        if more > 0 {
            reasons.push(format!("{} more", phrase::number(more as u64)));
        }
        let step_name = Role::Step.paint(&step.job);
        line(name, format!("{step_name} {}: {}", command_line(&step.command), reasons.join(", ")))?;
        name = "";
    }
    if !status.stale_is_whole {
        line("", "of the newest steps (`roar stale` looks at all)".to_owned())?;
    }
    Ok(())
}
