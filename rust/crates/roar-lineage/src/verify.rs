//! Whether the files on disk are what was recorded.

use roar_dag::{Content, ContentRef, Edge, Graph, JobIndex, PathIndex};
use roar_store::{Error, Store};
use rustc_hash::FxHashMap;
use tracer_schema::PathBytes;

use crate::disk::{Disk, OnDisk, is_object};

/// What became of a recorded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was recorded.
    Same,
    /// It has another content.
    Changed {
        /// The hash of that.
        now: String,
    },
    /// It is gone.
    Missing,
    /// It cannot be read, and why.
    Unknown(String),
    /// It was not hashed when it was recorded.
    Unhashed,
    /// A later job has changed or removed it.
    Superseded(JobIndex),
}

/// A file with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Where it is.
    pub path: PathIndex,
    /// The job that made it or found it there.
    pub job: JobIndex,
    /// What was recorded.
    pub content: Option<Content>,
    /// What became of it.
    pub verdict: Verdict,
}

/// The newest record of each path: what should be there, and who says so.
fn newest(graph: &Graph) -> FxHashMap<PathIndex, (JobIndex, Option<Edge>)> {
    let mut newest = FxHashMap::default();
    for (index, job) in graph.indexed_jobs() {
        newest.extend(job.consumes.iter().map(|edge| (edge.path, (index, Some(*edge)))));
        newest.extend(job.deletes.iter().map(|path| (*path, (index, None))));
        newest.extend(job.produces.iter().map(|edge| (edge.path, (index, Some(*edge)))));
    }
    newest
}

/// Compares with the disk what the newest record of each path says, or what the records of one job say.
///
/// The graph is that of all jobs, superseded ones with them.
///
/// # Errors
/// Those of the store.
pub fn verify(store: &mut Store, graph: &Graph, only: Option<JobIndex>) -> Result<Vec<Verified>, Error> {
    let newest = newest(graph);
    let mut asked: Vec<(JobIndex, Edge)> = match only {
        None => newest.values().filter_map(|(job, edge)| Some((*job, (*edge)?))).collect(),
        Some(job) => {
            let record = graph.job(job);
            let made: Vec<PathIndex> = record.produces.iter().map(|edge| edge.path).collect();
            let kept = record.consumes.iter().filter(|edge| !made.contains(&edge.path));
            record.produces.iter().chain(kept).map(|edge| (job, *edge)).collect()
        }
    };
    // What is in an object store is not on disk.
    asked.retain(|(_, edge)| !is_object(graph.path(edge.path)));
    asked.sort_by(|(_, one), (_, other)| graph.path(one.path).cmp(graph.path(other.path)));
    let mut disk = Disk::default();
    let wanted: Vec<(PathBytes, bool)> =
        asked.iter().map(|(_, edge)| (graph.path(edge.path).into(), is_link(graph, edge))).collect();
    disk.look(store, &wanted)?;
    let verdict = |job: JobIndex, edge: Edge| {
        let content = graph.content(edge.version);
        let verdict = match (content, disk.at(graph.path(edge.path), is_link(graph, &edge))) {
            (Some(content), found) if found.is(content) => Verdict::Same,
            (_, found) => match newest.get(&edge.path) {
                Some((later, since))
                    if *later > job && since.is_none_or(|since| since.version != edge.version) =>
                {
                    Verdict::Superseded(*later)
                }
                Some(_) | None => different(content.is_some(), found),
            },
        };
        Verified { path: edge.path, job, content: content.map(ContentRef::to_content), verdict }
    };
    Ok(asked.into_iter().map(|(job, edge)| verdict(job, edge)).collect())
}

fn different(is_hashed: bool, found: &OnDisk) -> Verdict {
    match found {
        OnDisk::Missing => Verdict::Missing,
        OnDisk::Unknown(reason) => Verdict::Unknown(reason.clone()),
        OnDisk::There(_) if !is_hashed => Verdict::Unhashed,
        OnDisk::There(now) => Verdict::Changed { now: now.hash.clone() },
    }
}

pub(crate) fn is_link(graph: &Graph, edge: &Edge) -> bool {
    graph.content(edge.version).is_some_and(|content| content.is_link)
}
