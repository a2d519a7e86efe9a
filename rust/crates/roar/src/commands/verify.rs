//! `roar verify`: are the files on disk still what was recorded?

use std::ffi::OsStr;

use roar_dag::JobIndex;
use roar_lineage::{Verdict, Verified, of_session, verify as compare};
use roar_store::{Job, Store, Target};
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::VerifyArgs;
use crate::commands::target;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{JobName, Names};
use crate::phrase;
use crate::place::{self, shown_path};
use crate::ui::{self, Role, Table};
use crate::view::short_hash;

/// Status where a file is not what was recorded.
const DIFFERENT_STATUS: u8 = 1;

#[derive(Serialize)]
struct VerifyView {
    format: &'static str,
    files: Vec<FileView>,
}

#[derive(Serialize)]
struct FileView {
    path: PathBytes,
    /// `same`, `changed`, `missing`, `unreadable`, `unhashed`, or `superseded` where a later job has changed or removed it.
    verdict: &'static str,
    recorded: Option<String>,
    now: Option<String>,
    /// Who made it or found it there.
    job: JobName,
    superseded_by: Option<JobName>,
    reason: Option<String>,
}

impl FileView {
    fn is_bad(&self) -> bool {
        matches!(self.verdict, "changed" | "missing" | "unreadable")
    }
}

pub(crate) fn verify(args: &VerifyArgs, environment: &Environment) -> Result<u8, CliError> {
    let mut store = place::store(environment)?;
    let names = Names::new(&store)?;
    let files = find(&mut store, args.target.as_deref(), names, environment)?;
    let view = VerifyView { format: "roar.verify/1", files };
    let bad = view.files.iter().filter(|file| file.is_bad()).count();
    let status = if bad == 0 { 0 } else { DIFFERENT_STATUS };
    if args.json {
        ui::print_json(&view)?;
        return Ok(status);
    }
    let mut table = Table::default();
    for file in view.files.iter().filter(|file| args.all || file.is_bad()) {
        let role = if file.is_bad() { Role::Warning } else { Role::Faint };
        table.row().role_cell(role, words(file)).role_cell(Role::Step, file.job.to_string());
        table.role_cell(Role::Faint, file.recorded.as_deref().map_or("", short_hash));
        table.cell(shown_path(environment, &file.path));
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)?;
    let counts = ["same", "changed", "missing", "unreadable", "unhashed", "superseded"].map(|verdict| {
        let count = view.files.iter().filter(|file| file.verdict == verdict).count();
        (verdict, count)
    });
    let counts = counts.iter().filter(|(verdict, count)| *count > 0 || *verdict == "same");
    let counts: Vec<String> =
        counts.map(|(verdict, count)| format!("{} {verdict}", phrase::number(*count as u64))).collect();
    ui::say(format_args!("{}: {}", phrase::count(view.files.len() as u64, "file"), counts.join(", ")));
    Ok(status)
}

fn words(file: &FileView) -> String {
    match (&file.superseded_by, &file.reason) {
        (Some(job), _) => format!("changed by {job}"),
        (None, Some(reason)) => format!("{}: {reason}", file.verdict),
        (None, None) => file.verdict.to_owned(),
    }
}

fn find(
    store: &mut Store,
    word: Option<&OsStr>,
    names: Names,
    environment: &Environment,
) -> Result<Vec<FileView>, CliError> {
    let target = word.map(|word| target::find(store, word, environment)).transpose()?;
    let session = match &target {
        Some(Target::Job(job)) => Some(job.session),
        Some(Target::Artifact(_) | Target::Path(_)) | None => store.session()?.map(|session| session.key),
    };
    let Some(session) = session else {
        return Err(CliError::new(Kind::User, "nothing is recorded yet")
            .with_hint("record something with `roar run CMD`"));
    };
    let (graph, jobs) = of_session(store, session)?;
    let only = match &target {
        Some(Target::Job(job)) => jobs.iter().position(|other| other.id == job.id),
        Some(Target::Artifact(_) | Target::Path(_)) | None => None,
    };
    let only = only.and_then(|at| graph.indexed_jobs().nth(at)).map(|(index, _)| index);
    let mut verified = compare(store, &graph, only)?;
    match &target {
        Some(Target::Path(path)) => verified.retain(|file| graph.path(file.path) == path.as_bytes()),
        Some(Target::Artifact(artifact)) => {
            verified
                .retain(|file| file.content.as_ref().is_some_and(|content| content.hash == artifact.hash));
        }
        Some(Target::Job(_)) | None => {}
    }
    if verified.is_empty() && target.is_some() {
        return Err(CliError::new(Kind::User, "no file of this session is expected to be that now")
            .with_hint("`roar show TARGET` lists the jobs that used it"));
    }
    Ok(verified.into_iter().map(|file| view(file, &graph, &jobs, names)).collect())
}

fn view(file: Verified, graph: &roar_dag::Graph, jobs: &[Job], names: Names) -> FileView {
    let Verified { path, job, content, verdict } = file;
    let name = |job: JobIndex| names.of(&jobs[job.index()]);
    let recorded = content.map(|content| content.hash);
    let (verdict, now, superseded_by, reason) = match verdict {
        Verdict::Same => ("same", recorded.clone(), None, None),
        Verdict::Changed { now } => ("changed", Some(now), None, None),
        Verdict::Missing => ("missing", None, None, None),
        Verdict::Unknown(reason) => ("unreadable", None, None, Some(reason)),
        Verdict::Unhashed => ("unhashed", None, None, None),
        Verdict::Superseded(job) => ("superseded", None, Some(name(job)), None),
    };
    let path = graph.path(path).into();
    FileView { path, verdict, recorded, now, job: name(job), superseded_by, reason }
}
