//! `roar why`: the evidence that one file comes from another.

use std::collections::BTreeMap;
use std::fmt::{Result as Written, Write};
use std::path::Path;

use roar_dag::{ContentRef, Hop, JobIndex, VersionIndex};
use roar_lineage::Lineage;
use roar_store::{Job, Store, Target, content_name, file_of_object};
use serde::Serialize;
use tracer_schema::{Act, FileRecord, Found, Lookup, PathBytes, Pid, ProcessRecord, Role as FileRole};

use crate::cli::WhyArgs;
use crate::commands::{lineage, target};
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{JobName, Names, mark};
use crate::place::{self, shown_directory, shown_path};
use crate::ui::{self, Role};
use crate::view::command_line;
use crate::{phrase, quote};

/// Characters of a process's command that are shown: enough to tell it from others.
const COMMAND_MAX: usize = 120;

#[derive(Serialize)]
struct WhyView {
    format: &'static str,
    /// From the input to the output, the shortest way.
    steps: Vec<LinkView>,
}

/// A job that took something and made something of it.
#[derive(Serialize)]
struct LinkView {
    job: JobName,
    command: Vec<PathBytes>,
    /// Absent where it looked for the input, or listed it, and that alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<UseView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    looked_up: Option<Lookup>,
    made: UseView,
}

/// What a job did to a file.
#[derive(Serialize)]
struct UseView {
    path: PathBytes,
    hash: Option<String>,
    /// Of an object of an object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    bytes: Option<u64>,
    /// Every process that used it.
    pids: Vec<Pid>,
    /// The first act; absent in records of earlier versions.
    first: Option<ActView>,
}

#[derive(Serialize)]
struct ActView {
    call: &'static str,
    pid: Pid,
    /// The command of that process.
    command: Vec<PathBytes>,
    at: String,
    since_start_ns: u64,
}

pub(crate) fn why(args: &WhyArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let lineage = lineage::find(&store, &args.output, false, environment)?;
    let Some(start) = lineage.version() else {
        return Err(CliError::new(Kind::User, "a step is no file").with_hint("name a file that it made"));
    };
    let names = Names::new(&store)?;
    // What was looked for in vain is no recorded path.
    let input = target::find(&store, &args.input, environment);
    let is_wanted = |version| input.as_ref().is_ok_and(|input| is_target(&lineage, version, input));
    let (first, way) = if let Some(way) = lineage.graph.way(start, is_wanted) {
        (None, way)
    } else {
        let paths = target::paths(Path::new(&args.input), &environment.cwd);
        match (lookup_way(&store, &lineage, start, &paths, names)?, &input) {
            (Some((first, way)), _) => (Some(first), way),
            (None, Ok(_)) => return Err(no_way(args)),
            (None, Err(_)) => return input.map(|_| ()),
        }
    };
    let links = way.into_iter().map(|hop| link(&store, &lineage, hop, input.as_ref().ok(), names));
    let steps = first.map(Ok).into_iter().chain(links).collect::<Result<_, _>>()?;
    let view = WhyView { format: "roar.why/1", steps };
    if args.json {
        return ui::print_json(&view);
    }
    let mut page = String::new();
    for step in &view.steps {
        write(step, environment, &mut page)?;
    }
    ui::page(&page, environment)
}

fn no_way(args: &WhyArgs) -> CliError {
    let [output, input] = [&args.output, &args.input].map(|word| quote::word(word.as_encoded_bytes()));
    CliError::new(Kind::User, format!("{output} does not come from {input}, as far as is recorded"))
        .with_hint(format!("`roar lineage {output}` shows what it comes from"))
}

/// Returns the way to a path at which nothing was, or to a directory that was listed: the nearest job that looked there, and the steps
/// from what that made.
fn lookup_way(
    store: &Store,
    lineage: &Lineage,
    start: VersionIndex,
    paths: &[PathBytes],
    names: Names,
) -> Result<Option<(LinkView, Vec<Hop>)>, CliError> {
    let graph = &lineage.graph;
    let mut lookups = BTreeMap::new();
    for index in &lineage.ancestry.jobs {
        let found = store.lookups(lineage.jobs[index.index()].key)?.found;
        lookups.extend(
            found.into_iter().find(|lookup| paths.contains(&lookup.path)).map(|lookup| (*index, lookup)),
        );
    }
    let looked_in = |version| graph.version(version).producer.filter(|maker| lookups.contains_key(maker));
    let way = if looked_in(start).is_some() {
        Vec::new()
    } else if let Some(way) = graph.way(start, |version| looked_in(version).is_some()) {
        way
    } else {
        return Ok(None);
    };
    let version = way.first().map_or(start, |hop| hop.taken);
    let Some(maker) = looked_in(version) else { return Ok(None) };
    let job = &lineage.jobs[maker.index()];
    let link = LinkView {
        job: names.of(job),
        command: job.command.clone(),
        took: None,
        looked_up: lookups.remove(&maker),
        made: made_view(store, lineage, maker, version)?,
    };
    Ok(Some((link, way)))
}

/// Returns what a job did to make a version.
fn made_view(
    store: &Store,
    lineage: &Lineage,
    maker: JobIndex,
    version: VersionIndex,
) -> Result<UseView, CliError> {
    let (graph, job) = (&lineage.graph, &lineage.jobs[maker.index()]);
    let edge = graph.job(maker).produces.iter().find(|edge| edge.version == version);
    let path: PathBytes = edge.map(|edge| graph.path(edge.path).into()).unwrap_or_default();
    let (files, processes) = (used(store, job)?, store.processes(job.key)?);
    let file = find(&files, &path, FileRole::Output);
    Ok(use_view(job, &processes, path.clone(), file, false))
}

/// Returns all files and objects of a job.
fn used(store: &Store, job: &Job) -> Result<Vec<FileRecord>, CliError> {
    let mut files = store.files(job.key)?;
    files.extend(store.objects(job.key)?.iter().map(file_of_object));
    Ok(files)
}

fn find<'f>(files: &'f [FileRecord], path: &PathBytes, role: FileRole) -> Option<&'f FileRecord> {
    files.iter().find(|file| file.path == *path && file.role == role)
}

/// Returns whether a version is what a target names.
fn is_target(lineage: &Lineage, version: VersionIndex, target: &Target) -> bool {
    let graph = &lineage.graph;
    match target {
        Target::Path(path) => graph.names(version).any(|at| graph.path(at) == path.as_bytes()),
        Target::Artifact(artifact) => {
            graph.content(version).is_some_and(|content| content.hash == artifact.hash)
        }
        Target::Job(job) => {
            graph.version(version).producer.is_some_and(|maker| graph.job(maker).id == job.id)
        }
    }
}

fn link(
    store: &Store,
    lineage: &Lineage,
    hop: Hop,
    input: Option<&Target>,
    names: Names,
) -> Result<LinkView, CliError> {
    let graph = &lineage.graph;
    let (job, node) = (&lineage.jobs[hop.job.index()], graph.job(hop.job));
    let wanted = match input {
        Some(Target::Path(path)) => Some(path.as_bytes()),
        Some(Target::Artifact(_) | Target::Job(_)) | None => None,
    };
    let edges = |edges: &[roar_dag::Edge], version| -> Vec<PathBytes> {
        let of_version = edges.iter().filter(|edge| edge.version == version);
        of_version.map(|edge| graph.path(edge.path).into()).collect()
    };
    let made = edges(&node.produces, hop.made);
    // A version that was updated in place has the name of what was made of it.
    let mut took = edges(&node.consumes, hop.taken);
    let is_update = took.is_empty();
    if is_update {
        took = made.clone();
    }
    let named = |paths: &[PathBytes]| {
        let exact = paths.iter().find(|path| Some(path.as_bytes()) == wanted);
        exact.or(paths.first()).cloned().unwrap_or_default()
    };
    let took = named(&took);
    let (files, processes) = (used(store, job)?, store.processes(job.key)?);
    let took_as = if is_update { FileRole::Output } else { FileRole::Input };
    Ok(LinkView {
        job: names.of(job),
        command: job.command.clone(),
        took: Some(use_view(job, &processes, took.clone(), find(&files, &took, took_as), is_update)),
        looked_up: None,
        made: made_view(store, lineage, hop.job, hop.made)?,
    })
}

fn use_view(
    job: &Job,
    processes: &[ProcessRecord],
    path: PathBytes,
    file: Option<&FileRecord>,
    is_prior: bool,
) -> UseView {
    let Some(file) = file else {
        return UseView { path, hash: None, etag: None, bytes: None, pids: Vec::new(), first: None };
    };
    let hashes = if is_prior { &file.prior_hash } else { &file.hash };
    let name = hashes.as_ref().and_then(|hashes| hashes.iter().next());
    let name = name.map(|(_, name)| content_name(file.kind, name));
    let content = name.as_ref().map(|name| ContentRef { hash: name, is_link: false });
    let first = file.first.map(|Act { kind, pid, time_ns }| ActView {
        call: kind.call(),
        pid,
        command: running(processes, pid, time_ns),
        at: roar_store::rfc3339(job.started_unix_ns.saturating_add_unsigned(time_ns)),
        since_start_ns: time_ns,
    });
    let bytes = if file.role == FileRole::Input { file.bytes_read } else { file.bytes_written };
    UseView {
        path,
        hash: content.and_then(ContentRef::as_hash).map(str::to_owned),
        etag: content.and_then(ContentRef::as_etag).map(str::to_owned),
        bytes,
        pids: file.pids.clone(),
        first,
    }
}

/// Returns the command of a process at a time; a number may have been used twice.
fn running(processes: &[ProcessRecord], pid: Pid, time_ns: u64) -> Vec<PathBytes> {
    let of_pid = processes.iter().filter(|process| process.pid == pid);
    let begun = of_pid.clone().rfind(|process| process.started_ns <= time_ns);
    begun.or(of_pid.clone().next()).map(|process| process.argv.clone()).unwrap_or_default()
}

fn write(step: &LinkView, environment: &Environment, page: &mut String) -> Written {
    writeln!(page, "{}  {}", Role::Step.paint(&step.job), Role::Heading.paint(command_line(&step.command)))?;
    if let Some(Lookup { path, found, program }) = &step.looked_up {
        let program = shown_path(environment, program);
        let (verb, what) = match found {
            Found::Absent => {
                let path = shown_path(environment, path);
                ("absent", format!("{path}, for which {program} looked"))
            }
            Found::Link { target } => {
                let path = shown_path(environment, path);
                ("followed", format!("{path} → {}, by {program}", quote::word(target.as_bytes())))
            }
            Found::Listing(listing) => {
                let names = phrase::count(listing.count, "name");
                ("listed", format!("{}  ({names}), by {program}", shown_directory(environment, path)))
            }
        };
        writeln!(page, "    {}  {what}", Role::Faint.paint(verb))?;
    }
    for (verb, file) in step.took.iter().map(|took| ("took", took)).chain([("made", &step.made)]) {
        let hash = mark(file.hash.as_deref(), file.etag.as_deref());
        let path = shown_path(environment, &file.path);
        let bytes = file.bytes.filter(|bytes| *bytes > 0).map(|bytes| format!(", {}", phrase::size(bytes)));
        writeln!(
            page,
            "    {}  {path}  {}{}",
            Role::Faint.paint(verb),
            Role::Faint.paint(hash),
            bytes.unwrap_or_default()
        )?;
        match &file.first {
            Some(act) => {
                let after = phrase::duration(act.since_start_ns);
                let command = command_line(&act.command);
                let command = phrase::cut(&command, COMMAND_MAX);
                writeln!(
                    page,
                    "          {}() by process {} `{command}`, {after} after the start, {}",
                    act.call, act.pid, act.at
                )?;
            }
            None if file.pids.is_empty() => {}
            None => {
                let pids: Vec<String> = file.pids.iter().map(ToString::to_string).collect();
                writeln!(page, "          by process {}; the call is not recorded", pids.join(", "))?;
            }
        }
    }
    Ok(())
}
