//! Files that steps have made of what was there before: updated in place, or read and then replaced.

use roar_dag::{Graph, Job, PathIndex, VersionIndex};
use rustc_hash::FxHashMap;

/// A file of a job that is made of what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    /// Where.
    pub(crate) path: PathIndex,
    /// What it is now.
    pub(crate) made: VersionIndex,
    /// What it was before.
    pub(crate) base: VersionIndex,
    /// The job has taken that: whoever appends to a file need not.
    pub(crate) is_taken: bool,
}

/// Returns those of a job.
pub(crate) fn updates_of(graph: &Graph, job: &Job) -> Vec<Update> {
    if job.produces.is_empty() {
        return Vec::new();
    }
    let consumed: FxHashMap<PathIndex, VersionIndex> =
        job.consumes.iter().map(|edge| (edge.path, edge.version)).collect();
    let update = |made: &roar_dag::Edge| {
        let read = consumed.get(&made.path).copied();
        let base = graph.version(made.version).prior.or(read)?;
        Some(Update { path: made.path, made: made.version, base, is_taken: read == Some(base) })
    };
    job.produces.iter().filter_map(update).collect()
}
