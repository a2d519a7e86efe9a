//! `roar stale`: which steps must run again, and why.

use std::fmt::Write;

use roar_dag::PathIndex;
use roar_lineage::{Reason, StaleStep, Staleness};
use roar_store::Store;
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::StaleArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::{JobName, Names};
use crate::phrase;
use crate::place::{self, shown_directory, shown_path};
use crate::ui::{self, Role};
use crate::view::command_line;

/// Status where a step must run again.
const STALE_STATUS: u8 = 1;

/// Reasons of one kind that a step lists; the others are counted.
const LISTED_MAX: usize = 8;

#[derive(Serialize)]
struct StaleView {
    format: &'static str,
    steps: Vec<StepView>,
}

/// A step that must run again.
#[derive(Serialize)]
pub(super) struct StepView {
    pub(super) job: JobName,
    pub(super) command: Vec<PathBytes>,
    cwd: PathBytes,
    pub(super) reasons: Vec<ReasonView>,
    /// What it updates in place and is no longer what it first began from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goes_on_from: Vec<PathBytes>,
}

#[derive(Serialize)]
pub(super) struct ReasonView {
    /// `changed`, `code_changed`, `missing`, `unreadable`, `output_missing`, `output_changed`, `appeared`, `new_file`, `gone_file`,
    /// `other_names`, `unlisted`, `relinked`, `upstream`, `overwritten`, `base`, `failed` or `interrupted`.
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<PathBytes>,
    /// The directory that it listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<PathBytes>,
    /// The step that made it anew, that must run again before, or that takes what it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<JobName>,
}

pub(crate) fn stale(args: &StaleArgs, environment: &Environment) -> Result<u8, CliError> {
    let mut store = place::store(environment)?;
    let steps = match of_session(&mut store)? {
        Some(staleness) => views(&staleness, Names::new(&store)?),
        None => Vec::new(),
    };
    let status = if steps.is_empty() { 0 } else { STALE_STATUS };
    let view = StaleView { format: "roar.stale/1", steps };
    if args.json {
        ui::print_json(&view)?;
        return Ok(status);
    }
    if view.steps.is_empty() {
        ui::say("nothing is stale");
        return Ok(status);
    }
    let mut page = String::new();
    for step in &view.steps {
        let command = Role::Heading.paint(command_line(&step.command));
        writeln!(page, "{}  {command}", Role::Step.paint(&step.job))?;
        for path in &step.goes_on_from {
            let path = shown_path(environment, path);
            writeln!(page, "    updates {path} in place, which is no longer what it first began from")?;
        }
        let mut last = ("", 0);
        for reason in &step.reasons {
            last = if reason.kind == last.0 { (reason.kind, last.1 + 1) } else { (reason.kind, 1) };
            if last.1 <= LISTED_MAX {
                writeln!(page, "    {}", words(reason, environment))?;
            } else if last.1 == LISTED_MAX + 1 {
                let more = step.reasons.iter().filter(|other| other.kind == reason.kind).count() - LISTED_MAX;
                writeln!(page, "    … {} more (`--json` lists all)", phrase::number(more as u64))?;
            }
        }
    }
    ui::page(&page, environment)?;
    ui::hint("`roar rerun` runs them again, in this order");
    Ok(status)
}

/// Compares the open session with the disk.
pub(super) fn of_session(store: &mut Store) -> Result<Option<Staleness>, CliError> {
    let Some(session) = store.session()? else { return Ok(None) };
    Ok(Some(Staleness::of_session(store, session.key)?))
}

/// Returns the steps that must run again.
pub(super) fn views(staleness: &Staleness, names: Names) -> Vec<StepView> {
    staleness.steps.iter().map(|step| view(staleness, step, names)).collect()
}

fn view(staleness: &Staleness, step: &StaleStep, names: Names) -> StepView {
    let job = &staleness.jobs[step.job.index()];
    let mut reasons: Vec<ReasonView> =
        step.reasons.iter().map(|reason| reason_view(staleness, reason, names)).collect();
    // Those of one kind stand together, in the order in which their kinds came up.
    let kinds: Vec<&str> = reasons.iter().map(|reason| reason.kind).collect();
    reasons.sort_by_key(|reason| kinds.iter().position(|kind| *kind == reason.kind));
    let goes_on_from = step.goes_on_from.iter().map(|path| staleness.graph.path(*path).into()).collect();
    StepView { job: names.of(job), command: job.command.clone(), cwd: job.cwd.clone(), reasons, goes_on_from }
}

fn reason_view(staleness: &Staleness, reason: &Reason, names: Names) -> ReasonView {
    let name = |job: &roar_dag::JobIndex| names.of(&staleness.jobs[job.index()]);
    let plain = |kind| ReasonView { kind, path: None, directory: None, job: None };
    let of_path =
        |kind, path: &PathIndex| ReasonView { path: Some(staleness.graph.path(*path).into()), ..plain(kind) };
    let of_listing = |kind, path: &PathBytes, directory: &PathBytes| ReasonView {
        path: Some(path.clone()),
        directory: Some(directory.clone()),
        ..plain(kind)
    };
    let of_directory =
        |kind, directory: &PathBytes| ReasonView { directory: Some(directory.clone()), ..plain(kind) };
    match reason {
        Reason::Changed { path, is_code, remade_by } => {
            let kind = if *is_code { "code_changed" } else { "changed" };
            ReasonView { job: remade_by.as_ref().map(name), ..of_path(kind, path) }
        }
        Reason::Missing(path) => of_path("missing", path),
        Reason::Unreadable(path) => of_path("unreadable", path),
        Reason::OutputMissing(path) => of_path("output_missing", path),
        Reason::OutputChanged(path) => of_path("output_changed", path),
        Reason::Appeared(path) => ReasonView { path: Some(path.clone()), ..plain("appeared") },
        Reason::NewFile { path, directory } => of_listing("new_file", path, directory),
        Reason::GoneFile { path, directory } => of_listing("gone_file", path, directory),
        Reason::OtherNames(directory) => of_directory("other_names", directory),
        Reason::Unlisted(directory) => of_directory("unlisted", directory),
        Reason::Relinked(path) => ReasonView { path: Some(path.clone()), ..plain("relinked") },
        Reason::Upstream(job) => ReasonView { job: Some(name(job)), ..plain("upstream") },
        Reason::Overwritten { path, by } => {
            ReasonView { job: Some(name(by)), ..of_path("overwritten", path) }
        }
        Reason::Base { path, taken_by } => ReasonView { job: Some(name(taken_by)), ..of_path("base", path) },
        Reason::Failed => plain("failed"),
        Reason::Interrupted => plain("interrupted"),
    }
}

/// Returns a reason in words.
pub(super) fn words(reason: &ReasonView, environment: &Environment) -> String {
    let shown = |path: &PathBytes| match path.as_bytes() {
        [.., b'/'] => shown_directory(environment, path),
        _ => shown_path(environment, path),
    };
    let path = reason.path.as_ref().map(shown).unwrap_or_default();
    let directory =
        reason.directory.as_ref().map(|path| shown_directory(environment, path)).unwrap_or_default();
    let job = reason.job.as_ref().map(|job| Role::Step.paint(job).to_string()).unwrap_or_default();
    match reason.kind {
        "changed" | "code_changed" if reason.job.is_some() => format!("{job} made {path} anew"),
        "changed" => format!("input {path} has changed"),
        "code_changed" => format!("code {path} has changed"),
        "missing" => format!("input {path} is missing"),
        "unreadable" => format!("input {path} cannot be read"),
        "output_missing" => format!("output {path} is missing"),
        "output_changed" => format!("output {path} was changed by something else"),
        "appeared" => format!("{path}, which it looked for, exists now"),
        "new_file" => format!("{path} is new in {directory}, which it listed"),
        "gone_file" => format!("{path} is gone from {directory}, which it listed"),
        "other_names" => format!("{directory}, which it listed, has other names in it"),
        "unlisted" => format!("{directory}, which it listed, cannot be listed"),
        "relinked" => format!("link {path}, by which it came to an input, leads elsewhere"),
        "overwritten" => format!("{job}, which comes before it, writes {path} as well"),
        "base" => format!("{job} takes {path} as this left it, and it was updated or removed since"),
        "upstream" => format!("takes from {job}"),
        "failed" => "it failed".to_owned(),
        _ => "it was broken off".to_owned(),
    }
}
