//! The graph as JSON: `"format": "roar.dag/1"`.
//!
//! Nothing is copied: a session may have a million artifacts, each of which is written from where it stands.

use roar_dag::{ContentRef, Edge, Evidence, Graph, PathIndex, VersionIndex};
use roar_store::Job;
use serde::Serialize;
use tracer_schema::PathRef;

use crate::error::CliError;
use crate::naming::kind_name;
use crate::ui::{self, Lazy, List};

/// The graph. An edge names an artifact by its place in `artifacts`.
#[derive(Serialize)]
struct Dag<'g, J: Serialize, A: Serialize, S: Serialize> {
    #[serde(flatten)]
    head: Head<'g>,
    jobs: J,
    artifacts: A,
    stale: S,
}

/// What the graph is of.
#[derive(Serialize)]
struct Head<'g> {
    format: &'static str,
    session: Option<&'g str>,
}

#[derive(Serialize)]
struct JobNode<'g, W: Serialize, I: Serialize, O: Serialize, D: Serialize> {
    id: &'g str,
    step: u64,
    kind: &'static str,
    state: &'static str,
    complete: bool,
    command: W,
    cwd: PathRef<'g>,
    supersedes: &'g [u64],
    inputs: I,
    outputs: O,
    deleted: D,
}

#[derive(Serialize)]
struct EdgeView<'g> {
    path: PathRef<'g>,
    artifact: usize,
    evidence: &'static str,
}

#[derive(Serialize)]
struct ArtifactNode<'g, P: Serialize> {
    hash: Option<&'g str>,
    /// Of an object of an object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'g str>,
    kind: &'static str,
    producer: Option<u64>,
    superseded_producer: Option<u64>,
    prior: Option<usize>,
    paths: P,
}

#[derive(Serialize)]
struct StaleInput<'g> {
    step: u64,
    path: PathRef<'g>,
    used: usize,
    newest: usize,
    newest_producer: u64,
}

/// Prints a graph; the jobs are those that were recorded, in the order of their steps.
pub(super) fn print(session: Option<&str>, graph: &Graph, records: &[Job]) -> Result<(), CliError> {
    let head = Head { format: "roar.dag/1", session };
    let found = graph.stale();
    let jobs = List { len: graph.jobs.len(), item: |at| job_node(graph, &graph.jobs[at], records) };
    let artifacts = List { len: graph.versions.len(), item: |at| artifact(graph, VersionIndex::new(at)) };
    let stale = List { len: found.len(), item: |at| stale(graph, &found[at]) };
    if graph.versions.len() <= ui::INDENTED_MAX {
        return ui::print_json(&Dag { head, jobs, artifacts, stale });
    }
    ui::print_long_lists(&head, |lists| {
        lists.write("jobs", &jobs)?;
        lists.write("artifacts", &artifacts)?;
        lists.write("stale", &stale)
    })
}

fn path(graph: &Graph, index: PathIndex) -> PathRef<'_> {
    PathRef(graph.path(index))
}

fn job_node<'g>(graph: &'g Graph, job: &'g roar_dag::Job, records: &'g [Job]) -> impl Serialize + 'g {
    let at = records.binary_search_by_key(&job.step, |record| record.step);
    let record = at.ok().and_then(|at| records.get(at));
    JobNode {
        id: &job.id,
        step: job.step,
        kind: record.map_or("run", |record| record.kind.name()),
        state: record.map_or("recorded", |record| record.state.name()),
        complete: record.is_some_and(|record| record.is_complete),
        command: Lazy(|| job.command.iter().map(|word| PathRef(word))),
        cwd: PathRef(&job.cwd),
        supersedes: &job.supersedes,
        inputs: Lazy(move || job.consumes.iter().map(move |found| edge(graph, found))),
        outputs: Lazy(move || job.produces.iter().map(move |found| edge(graph, found))),
        deleted: Lazy(move || job.deletes.iter().map(move |index| path(graph, *index))),
    }
}

fn edge<'g>(graph: &'g Graph, edge: &Edge) -> EdgeView<'g> {
    EdgeView {
        path: path(graph, edge.path),
        artifact: edge.version.index(),
        evidence: match edge.evidence {
            Evidence::Content => "content",
            Evidence::Path => "path",
        },
    }
}

fn artifact(graph: &Graph, index: VersionIndex) -> impl Serialize + '_ {
    let version = graph.version(index);
    let content = graph.content(index);
    ArtifactNode {
        hash: content.and_then(ContentRef::as_hash),
        etag: content.and_then(ContentRef::as_etag),
        kind: kind_name(content),
        producer: version.producer.map(|job| graph.job(job).step),
        superseded_producer: version.superseded_producer,
        prior: version.prior.map(VersionIndex::index),
        paths: Lazy(move || graph.names(index).map(move |name| path(graph, name))),
    }
}

fn stale<'g>(graph: &'g Graph, stale: &roar_dag::Stale) -> StaleInput<'g> {
    StaleInput {
        step: graph.job(stale.job).step,
        path: path(graph, stale.path),
        used: stale.used.index(),
        newest: stale.newest.index(),
        newest_producer: graph.job(stale.newest_producer).step,
    }
}
