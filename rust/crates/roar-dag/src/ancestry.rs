//! What an artifact comes from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::graph::{Graph, JobIndex, VersionIndex};

/// Everything that a version, or a job, comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ancestry {
    /// The jobs, in the order of their steps.
    pub jobs: BTreeSet<JobIndex>,
    /// The versions that those consumed.
    pub versions: BTreeSet<VersionIndex>,
}

/// A job on the way from what it took to what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The job.
    pub job: JobIndex,
    /// What it took.
    pub taken: VersionIndex,
    /// What it made.
    pub made: VersionIndex,
}

impl Graph {
    /// Returns what a version comes from: the job that made it, what that consumed, and so on; not the version itself.
    pub fn ancestry(&self, version: VersionIndex) -> Ancestry {
        let mut found = Ancestry::default();
        self.follow(vec![version], &mut found);
        found.versions.remove(&version);
        found
    }

    /// Returns what a job comes from: the versions that it consumed, and what those come from; not the job itself.
    pub fn ancestry_of_job(&self, job: JobIndex) -> Ancestry {
        let mut found = Ancestry::default();
        self.follow(self.taken(job).collect(), &mut found);
        found
    }

    /// Returns the shortest way back from a version to the nearest of those that are wanted, from the first step to the last;
    /// `None` where it comes from none of them.
    pub fn way(&self, from: VersionIndex, is_wanted: impl Fn(VersionIndex) -> bool) -> Option<Vec<Hop>> {
        let mut came: BTreeMap<VersionIndex, Hop> = BTreeMap::new();
        let mut open = VecDeque::from([from]);
        while let Some(made) = open.pop_front() {
            let Some(job) = self.version(made).producer else { continue };
            for taken in self.taken(job).chain(self.version(made).prior) {
                if taken == from || came.contains_key(&taken) {
                    continue;
                }
                came.insert(taken, Hop { job, taken, made });
                if is_wanted(taken) {
                    return Some(self.walk(from, taken, &came));
                }
                open.push_back(taken);
            }
        }
        None
    }

    fn walk(&self, from: VersionIndex, to: VersionIndex, came: &BTreeMap<VersionIndex, Hop>) -> Vec<Hop> {
        let mut way = Vec::new();
        let mut at = to;
        while at != from {
            let hop = came[&at];
            way.push(hop);
            at = hop.made;
        }
        way
    }

    fn follow(&self, mut open: Vec<VersionIndex>, found: &mut Ancestry) {
        while let Some(version) = open.pop() {
            if !found.versions.insert(version) {
                continue;
            }
            open.extend(self.version(version).prior);
            if let Some(job) = self.version(version).producer
                && found.jobs.insert(job)
            {
                open.extend(self.taken(job));
            }
        }
    }

    /// Returns the jobs in an order in which each comes after those that it takes from, and else in the order of their
    /// steps: after [`Graph::collapse`] a step may take from one of a higher number.
    pub fn jobs_in_order(&self) -> Vec<JobIndex> {
        let parents = self.job_parents();
        let mut children = vec![Vec::new(); parents.len()];
        let mut waiting: Vec<usize> = parents.iter().map(BTreeSet::len).collect();
        for ((job, _), parents) in self.indexed_jobs().zip(&parents) {
            for parent in parents {
                children[parent.index()].push(job);
            }
        }
        let mut ready: BTreeSet<JobIndex> =
            self.indexed_jobs().map(|(job, _)| job).filter(|job| waiting[job.index()] == 0).collect();
        let mut order = Vec::with_capacity(parents.len());
        while let Some(job) = ready.pop_first() {
            order.push(job);
            for child in &children[job.index()] {
                waiting[child.index()] -= 1;
                if waiting[child.index()] == 0 {
                    ready.insert(*child);
                }
            }
        }
        order
    }

    /// Returns the versions that a job took content from: those it consumed, and those that it updated.
    pub(crate) fn taken(&self, job: JobIndex) -> impl Iterator<Item = VersionIndex> {
        let job = self.job(job);
        let consumed = job.consumes.iter().map(|edge| edge.version);
        consumed.chain(job.produces.iter().filter_map(|edge| self.version(edge.version).prior))
    }

    /// Returns for each job the jobs whose products it took, without double ones.
    pub fn job_parents(&self) -> Vec<BTreeSet<JobIndex>> {
        let parents =
            |(job, _)| self.taken(job).filter_map(|version| self.version(version).producer).collect();
        self.indexed_jobs().map(parents).collect()
    }
}

/// Returns whether a job is another one or comes from it.
pub(crate) fn comes_from(parents: &[BTreeSet<JobIndex>], job: JobIndex, other: JobIndex) -> bool {
    let mut seen = BTreeSet::from([job]);
    let mut open = vec![job];
    while let Some(at) = open.pop() {
        if at == other {
            return true;
        }
        open.extend(parents[at.index()].iter().filter(|parent| seen.insert(**parent)));
    }
    false
}
