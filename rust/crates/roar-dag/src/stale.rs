//! Steps that used what has been made anew since.

use crate::descent::Descent;
use crate::graph::{Graph, JobIndex, PathIndex, VersionIndex};

/// An input of a job of which a later job made another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stale {
    /// The job.
    pub job: JobIndex,
    /// The input.
    pub path: PathIndex,
    /// What the job used.
    pub used: VersionIndex,
    /// The newest version there.
    pub newest: VersionIndex,
    /// Who made that.
    pub newest_producer: JobIndex,
}

impl Graph {
    /// Returns the inputs that a later job made anew, with another content, by job and path.
    ///
    /// A version that comes from the job itself does not make it stale: a file that is updated step by step is not stale
    /// at each step but the last.
    pub fn stale(&self) -> Vec<Stale> {
        let mut newest: Vec<Option<(JobIndex, VersionIndex)>> = vec![None; self.paths_len()];
        for (index, job) in self.indexed_jobs() {
            for edge in &job.produces {
                newest[edge.path.index()] = Some((index, edge.version));
            }
        }
        let mut descent = Descent::new(self.job_parents());
        let mut found = Vec::new();
        for (job, node) in self.indexed_jobs() {
            for edge in &node.consumes {
                let Some((newest_producer, newest)) = newest[edge.path.index()] else {
                    continue;
                };
                let is_later = newest_producer > job && !self.is_same_content(edge.version, newest);
                if is_later && !descent.comes_from(newest_producer, job) {
                    found.push(Stale { job, path: edge.path, used: edge.version, newest, newest_producer });
                }
            }
        }
        found
    }
}
