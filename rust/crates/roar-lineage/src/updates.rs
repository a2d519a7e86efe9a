//! Files that steps have made of what was there before: updated in place, or read and then replaced.

use roar_dag::{Graph, Job, JobIndex, PathIndex, VersionIndex};
use roar_store::{Error, Store};
use rustc_hash::FxHashMap;
use tracer_schema::PathBytes;

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
    /// It is what the shell has opened for the job to append to, as logs are.
    pub(crate) is_log: bool,
}

/// Returns those of each job, in the order of the jobs; of one, by path.
///
/// # Errors
/// Those of the store.
pub(crate) fn updates(
    store: &Store,
    graph: &Graph,
    jobs: &[roar_store::Job],
) -> Result<Vec<Vec<Update>>, Error> {
    let mut all: Vec<Vec<Update>> = graph.jobs.iter().map(|job| updates_of(graph, job)).collect();
    for (of_job, record) in all.iter_mut().zip(jobs) {
        if of_job.iter().all(|update| update.is_taken) {
            continue;
        }
        let streams = store.context(record.key)?.streams;
        let logs: Vec<_> =
            streams.iter().filter(|stream| stream.is_append).map(|stream| &stream.path).collect();
        for update in of_job.iter_mut().filter(|update| !update.is_taken) {
            let path = Some(PathBytes::from(graph.path(update.path)));
            update.is_log = logs.iter().any(|log| **log == path);
        }
    }
    Ok(all)
}

/// Returns those of a job.
fn updates_of(graph: &Graph, job: &Job) -> Vec<Update> {
    if job.produces.is_empty() {
        return Vec::new();
    }
    let consumed: FxHashMap<PathIndex, VersionIndex> =
        job.consumes.iter().map(|edge| (edge.path, edge.version)).collect();
    let update = |made: &roar_dag::Edge| {
        let read = consumed.get(&made.path).copied();
        let base = graph.prior(made).or(read)?;
        Some(Update {
            path: made.path,
            made: made.version,
            base,
            is_taken: read == Some(base),
            is_log: false,
        })
    };
    let mut updates: Vec<Update> = job.produces.iter().filter_map(update).collect();
    updates.sort_by_key(|update| update.path);
    updates
}

/// Returns by whom each version was updated, of those that led to what is at their paths now. `makers` has made that, by path.
pub(crate) fn updated_by(
    graph: &Graph,
    updates: &[Vec<Update>],
    makers: impl Iterator<Item = (PathIndex, JobIndex)>,
) -> FxHashMap<(PathIndex, VersionIndex), JobIndex> {
    let mut found = FxHashMap::default();
    for (path, maker) in makers {
        let mut next = Some(maker);
        while let Some(job) = next {
            let of_job = &updates[job.index()];
            let Ok(at) = of_job.binary_search_by_key(&path, |update| update.path) else { break };
            let update = of_job[at];
            if found.insert((path, update.base), job).is_some() {
                break;
            }
            next = graph.version(update.base).producer.filter(|maker| *maker != job);
        }
    }
    found
}
