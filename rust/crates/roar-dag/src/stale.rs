//! Steps that used what has been made anew since.

use rustc_hash::FxHashSet;

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
    /// A version that comes from the job itself does not make it stale, nor one that was made of the one it used, at the same path: a file that
    /// is updated step by step makes stale neither the steps that did so nor those that read it in between.
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
                if is_later
                    && !descent.comes_from(newest_producer, job)
                    && !self.is_made_of(edge.path, newest, edge.version)
                {
                    found.push(Stale { job, path: edge.path, used: edge.version, newest, newest_producer });
                }
            }
        }
        found
    }

    /// Returns whether a version at a path was made of another one there, by updating it in place, or by reading and then replacing it.
    fn is_made_of(&self, path: PathIndex, newest: VersionIndex, used: VersionIndex) -> bool {
        let mut seen = FxHashSet::default();
        let mut version = newest;
        while seen.insert(version) {
            let Some(maker) = self.version(version).producer.map(|maker| self.job(maker)) else { break };
            let made = maker.produces.iter().find(|made| (made.version, made.path) == (version, path));
            let read = || Some(maker.consumes.iter().find(|edge| edge.path == path)?.version);
            match made.and_then(|made| self.prior(made)).or_else(read) {
                Some(base) if base == used => return true,
                Some(base) => version = base,
                None => break,
            }
        }
        false
    }
}
