//! `roar status`: the session, its last job, what is stale, and how the next run would be observed.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::StatusArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::place::shown_path;
use crate::ui::{self, Role};
use crate::view::{JobView, command_line};
use crate::{lineage, phrase, place};

/// Inputs that one line names; the others are counted.
const NAMED_INPUTS_MAX: usize = 3;

#[derive(Serialize)]
struct Status {
    format: &'static str,
    directory: PathBytes,
    session: Option<SessionView>,
    last_job: Option<JobView>,
    stale: Vec<StaleStep>,
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

#[derive(Serialize)]
struct StaleStep {
    step: u64,
    command: Vec<PathBytes>,
    inputs: Vec<StaleInput>,
}

#[derive(Serialize)]
struct StaleInput {
    path: PathBytes,
    remade_by: u64,
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
    let store = place::store(environment)?;
    let config = place::config(environment, &[])?;
    let session = store.session()?;
    let stale = match &session {
        Some(session) => {
            let (graph, _) = lineage::of_session(&store, session.key)?;
            stale_steps(&graph.collapse())
        }
        None => Vec::new(),
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
        tracer_mode: config.settings.tracer_mode.name(),
    })
}

fn stale_steps(graph: &roar_dag::Graph) -> Vec<StaleStep> {
    let mut steps: BTreeMap<u64, StaleStep> = BTreeMap::new();
    for stale in graph.stale() {
        let job = graph.job(stale.job);
        let step = steps.entry(job.step).or_insert_with(|| StaleStep {
            step: job.step,
            command: job.command.iter().map(|word| PathBytes(word.clone())).collect(),
            inputs: Vec::new(),
        });
        let path = graph.path(stale.path).into();
        step.inputs.push(StaleInput { path, remade_by: graph.job(stale.newest_producer).step });
    }
    steps.into_values().collect()
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
    if status.stale.is_empty() {
        return line("stale", "nothing".to_owned());
    }
    let mut name = "stale";
    for step in &status.stale {
        let shown = step.inputs.iter().take(NAMED_INPUTS_MAX);
        let mut inputs: Vec<String> = shown
            .map(|input| format!("@{} made {} anew", input.remade_by, shown_path(environment, &input.path)))
            .collect();
        let more = step.inputs.len().saturating_sub(NAMED_INPUTS_MAX);
        if more > 0 {
            inputs.push(format!("{} more", phrase::number(more as u64)));
        }
        let step_name = Role::Step.paint(format!("@{}", step.step));
        line(name, format!("{step_name} {}: {}", command_line(&step.command), inputs.join(", ")))?;
        name = "";
    }
    Ok(())
}
