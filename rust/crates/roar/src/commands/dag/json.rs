//! The graph as JSON: `"format": "roar.dag/1"`.

use std::collections::HashMap;

use roar_dag::{Edge, Evidence, Graph, PathIndex, Version};
use roar_store::Job;
use serde::Serialize;
use tracer_schema::PathBytes;

/// The graph. An edge names an artifact by its place in `artifacts`.
#[derive(Serialize)]
pub(super) struct Dag {
    format: &'static str,
    session: Option<String>,
    jobs: Vec<JobNode>,
    artifacts: Vec<ArtifactNode>,
    stale: Vec<StaleInput>,
}

#[derive(Serialize)]
struct JobNode {
    id: String,
    step: u64,
    kind: &'static str,
    state: &'static str,
    complete: bool,
    command: Vec<PathBytes>,
    cwd: PathBytes,
    supersedes: Vec<u64>,
    inputs: Vec<EdgeView>,
    outputs: Vec<EdgeView>,
    deleted: Vec<PathBytes>,
}

#[derive(Serialize)]
struct EdgeView {
    path: PathBytes,
    artifact: usize,
    evidence: &'static str,
}

#[derive(Serialize)]
struct ArtifactNode {
    hash: Option<String>,
    kind: &'static str,
    producer: Option<u64>,
    superseded_producer: Option<u64>,
    prior: Option<usize>,
    paths: Vec<PathBytes>,
}

#[derive(Serialize)]
struct StaleInput {
    step: u64,
    path: PathBytes,
    used: usize,
    newest: usize,
    newest_producer: u64,
}

impl Dag {
    pub(super) fn new(session: Option<String>, graph: &Graph, jobs: &[Job]) -> Self {
        let path = |index: PathIndex| PathBytes::from(graph.path(index));
        let step = |index| graph.job(index).step;
        let edge = |edge: &Edge| EdgeView {
            path: path(edge.path),
            artifact: edge.version.index(),
            evidence: match edge.evidence {
                Evidence::Content => "content",
                Evidence::Path => "path",
            },
        };
        let artifact = |version: &Version| ArtifactNode {
            hash: version.content.as_ref().map(|content| content.hash.clone()),
            kind: if version.content.as_ref().is_some_and(|content| content.is_link) {
                "symlink"
            } else {
                "file"
            },
            producer: version.producer.map(step),
            superseded_producer: version.superseded_producer,
            prior: version.prior.map(|prior| prior.index()),
            paths: version.paths.iter().map(|index| path(*index)).collect(),
        };
        let records: HashMap<&str, &Job> = jobs.iter().map(|record| (record.id.as_str(), record)).collect();
        let job = |job: &roar_dag::Job| {
            let record = records.get(job.id.as_str());
            JobNode {
                id: job.id.clone(),
                step: job.step,
                kind: record.map_or("run", |record| record.kind.name()),
                state: record.map_or("recorded", |record| record.state.name()),
                complete: record.is_some_and(|record| record.is_complete),
                command: job.command.iter().map(|word| PathBytes(word.clone())).collect(),
                cwd: PathBytes(job.cwd.clone()),
                supersedes: job.supersedes.clone(),
                inputs: job.consumes.iter().map(edge).collect(),
                outputs: job.produces.iter().map(edge).collect(),
                deleted: job.deletes.iter().map(|index| path(*index)).collect(),
            }
        };
        let stale = |stale: roar_dag::Stale| StaleInput {
            step: step(stale.job),
            path: path(stale.path),
            used: stale.used.index(),
            newest: stale.newest.index(),
            newest_producer: step(stale.newest_producer),
        };
        Self {
            format: "roar.dag/1",
            session,
            jobs: graph.jobs.iter().map(job).collect(),
            artifacts: graph.versions.iter().map(artifact).collect(),
            stale: graph.stale().into_iter().map(stale).collect(),
        }
    }
}
