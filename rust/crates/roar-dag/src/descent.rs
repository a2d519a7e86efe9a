//! Which jobs come from which, asked many times.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::graph::JobIndex;

/// Jobs whose ancestors are kept: those of a session of 50,000 jobs take 6 KiB each.
const KNOWN_MAX: usize = 256;

/// Answers whether one job comes from another. Who takes from whom may go round in circles.
#[derive(Clone, Debug)]
pub struct Descent {
    parents: Vec<BTreeSet<JobIndex>>,
    /// No job comes from one of a higher rank; those in a circle have the same.
    ranks: Vec<u32>,
    /// The job itself and all that it comes from, a bit each.
    known: FxHashMap<JobIndex, Vec<u64>>,
}

impl Descent {
    /// Returns the answers for jobs that take from those parents each.
    pub fn new(parents: Vec<BTreeSet<JobIndex>>) -> Self {
        let ranks = Ranking::new(&parents).ranks();
        Self { parents, ranks, known: FxHashMap::default() }
    }

    /// Returns the jobs that each takes from.
    pub fn parents(&self) -> &[BTreeSet<JobIndex>] {
        &self.parents
    }

    /// Returns the jobs that each takes from, to be changed.
    pub fn into_parents(self) -> Vec<BTreeSet<JobIndex>> {
        self.parents
    }

    /// Returns whether a job is another one or comes from it.
    pub fn comes_from(&mut self, job: JobIndex, other: JobIndex) -> bool {
        if self.ranks[job.index()] < self.ranks[other.index()] {
            return false;
        }
        if !self.known.contains_key(&job) {
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            let ancestors = self.ancestors(job);
            self.known.insert(job, ancestors);
        }
        let (word, bit) = place(other);
        self.known[&job][word] & bit != 0
    }

    fn ancestors(&self, job: JobIndex) -> Vec<u64> {
        let mut found = vec![0; self.parents.len().div_ceil(64)];
        let mut open = vec![job];
        while let Some(at) = open.pop() {
            let (word, bit) = place(at);
            if found[word] & bit == 0 {
                found[word] |= bit;
                open.extend(&self.parents[at.index()]);
            }
        }
        found
    }
}

fn place(job: JobIndex) -> (usize, u64) {
    (job.index() / 64, 1 << (job.index() % 64))
}

/// Not visited yet.
const UNSEEN: u32 = u32::MAX;

/// Tarjan's algorithm, without recursion: a session may be one chain of 50,000 jobs.
struct Ranking<'p> {
    parents: &'p [BTreeSet<JobIndex>],
    /// When each job was visited.
    visits: Vec<u32>,
    /// The earliest visit that is reached from each.
    lowest: Vec<u32>,
    /// Jobs whose circle is not closed yet.
    open: Vec<JobIndex>,
    ranks: Vec<u32>,
    visited: u32,
    ranked: u32,
}

impl<'p> Ranking<'p> {
    fn new(parents: &'p [BTreeSet<JobIndex>]) -> Self {
        let unseen = vec![UNSEEN; parents.len()];
        Self {
            parents,
            visits: unseen.clone(),
            lowest: unseen.clone(),
            ranks: unseen,
            open: Vec::new(),
            visited: 0,
            ranked: 0,
        }
    }

    fn ranks(mut self) -> Vec<u32> {
        for job in (0..self.parents.len()).map(JobIndex::new) {
            if self.visits[job.index()] == UNSEEN {
                self.visit(job);
            }
        }
        self.ranks
    }

    fn visit(&mut self, first: JobIndex) {
        let parents = self.parents;
        let mut way = vec![(first, parents[first.index()].iter())];
        self.enter(first);
        while let Some((job, left)) = way.last_mut() {
            let job = *job;
            match left.next() {
                Some(parent) if self.visits[parent.index()] == UNSEEN => {
                    self.enter(*parent);
                    way.push((*parent, parents[parent.index()].iter()));
                }
                Some(parent) if self.ranks[parent.index()] == UNSEEN => {
                    self.lower(job, self.visits[parent.index()]);
                }
                Some(_) => {}
                None => {
                    way.pop();
                    if let Some((child, _)) = way.last() {
                        self.lower(*child, self.lowest[job.index()]);
                    }
                    self.close(job);
                }
            }
        }
    }

    fn enter(&mut self, job: JobIndex) {
        self.visits[job.index()] = self.visited;
        self.lowest[job.index()] = self.visited;
        self.visited += 1;
        self.open.push(job);
    }

    fn lower(&mut self, job: JobIndex, visit: u32) {
        let lowest = &mut self.lowest[job.index()];
        *lowest = visit.min(*lowest);
    }

    /// Ranks the jobs that are in a circle with this one, if nothing earlier is in it.
    fn close(&mut self, job: JobIndex) {
        if self.lowest[job.index()] != self.visits[job.index()] {
            return;
        }
        while let Some(member) = self.open.pop() {
            self.ranks[member.index()] = self.ranked;
            if member == job {
                break;
            }
        }
        self.ranked += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::ancestry::comes_from;

    proptest! {
        #[test]
        fn the_answers_are_those_of_a_search_each_time(parents in vec(btree_set(0..12_usize, 0..3), 12)) {
            let parents: Vec<BTreeSet<JobIndex>> =
                parents.into_iter().map(|jobs| jobs.into_iter().map(JobIndex::new).collect()).collect();
            let mut descent = Descent::new(parents.clone());
            for (job, other) in (0..12).flat_map(|job| (0..12).map(move |other| (job, other))) {
                let (job, other) = (JobIndex::new(job), JobIndex::new(other));
                prop_assert_eq!(descent.comes_from(job, other), comes_from(&parents, job, other));
            }
        }
    }

    #[test]
    fn a_chain_may_be_long_and_asked_about_everywhere() {
        let count = 50_000;
        let before = |job: usize| job.checked_sub(1).map(JobIndex::new).into_iter().collect();
        let mut descent = Descent::new((0..count).map(before).collect());
        let last = JobIndex::new(count - 1);
        for job in (0..count).map(JobIndex::new) {
            assert!(descent.comes_from(last, job));
            assert_eq!(descent.comes_from(job, last), job == last);
        }
    }
}
