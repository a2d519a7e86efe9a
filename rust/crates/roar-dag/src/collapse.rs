//! Leaving out the steps that were run again.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::ancestry::comes_from;
use crate::graph::{Edge, Graph, Job, JobIndex, Version, VersionIndex};

impl Graph {
    /// Returns the graph in which a step stands for all earlier ones of the same command in the same directory.
    ///
    /// What a job took from a superseded step it takes from the later one, if that made the same content again and does
    /// not itself come from the job. Otherwise the version stays, without a producer, and names the superseded step.
    pub fn collapse(&self) -> Self {
        Collapse::new(self).graph()
    }
}

struct Collapse<'g> {
    old: &'g Graph,
    /// For each job the one that stands for it: itself, or a later one.
    stands_for: Vec<JobIndex>,
    /// The steps that each job stands for, but its own.
    superseded: FxHashMap<JobIndex, Vec<u64>>,
    /// What each job made of each content.
    made: FxHashMap<(JobIndex, VersionIndex), VersionIndex>,
    /// For each job those that it takes from, as far as that is decided.
    parents: Vec<BTreeSet<JobIndex>>,
    new: Graph,
    versions: FxHashMap<VersionIndex, VersionIndex>,
}

impl<'g> Collapse<'g> {
    fn new(old: &'g Graph) -> Self {
        let mut newest = FxHashMap::default();
        for (index, job) in old.indexed_jobs() {
            newest.insert((&job.command, &job.cwd), index);
        }
        let stands_for: Vec<JobIndex> =
            old.jobs.iter().map(|job| newest[&(&job.command, &job.cwd)]).collect();
        let mut superseded: FxHashMap<JobIndex, Vec<u64>> = FxHashMap::default();
        for ((index, job), standing) in old.indexed_jobs().zip(&stands_for) {
            if index != *standing {
                superseded.entry(*standing).or_default().push(job.step);
            }
        }
        Self {
            old,
            superseded,
            made: same_contents(old, &stands_for),
            stands_for,
            parents: vec![BTreeSet::new(); old.jobs.len()],
            new: Graph { paths: old.paths.clone(), ..Graph::default() },
            versions: FxHashMap::default(),
        }
    }

    fn graph(mut self) -> Graph {
        let old = self.old;
        let kept: Vec<JobIndex> = old
            .indexed_jobs()
            .map(|(index, _)| index)
            .filter(|index| self.stands_for[index.index()] == *index)
            .collect();
        // The edges that stay as they are come first: whether another may be moved depends on all of them.
        for index in &kept {
            for version in old.taken(*index) {
                let producer = old.version(version).producer;
                let kept = producer.filter(|producer| self.stands_for[producer.index()] == *producer);
                self.parents[index.index()].extend(kept);
            }
        }
        let places: FxHashMap<JobIndex, JobIndex> =
            kept.iter().enumerate().map(|(place, index)| (*index, JobIndex::new(place))).collect();
        for index in &kept {
            let job = self.job(*index, &places);
            self.new.jobs.push(job);
        }
        self.new
    }

    fn job(&mut self, index: JobIndex, places: &FxHashMap<JobIndex, JobIndex>) -> Job {
        let Job { id, step, command, cwd, consumes, produces, deletes, supersedes: _ } = self.old.job(index);
        let consumes = consumes.iter().map(|edge| self.taken_edge(index, *edge, places)).collect();
        let produces: Vec<Edge> =
            produces.iter().map(|edge| Edge { version: self.place(edge.version, places), ..*edge }).collect();
        for edge in &self.old.job(index).produces {
            let prior = self.old.version(edge.version).prior.map(|prior| self.taken(index, prior, places));
            let place = self.place(edge.version, places);
            self.new.versions[place.index()].prior = prior;
        }
        Job {
            id: id.clone(),
            step: *step,
            command: command.clone(),
            cwd: cwd.clone(),
            consumes,
            produces,
            deletes: deletes.clone(),
            supersedes: self.superseded.remove(&index).unwrap_or_default(),
        }
    }

    fn taken_edge(&mut self, job: JobIndex, edge: Edge, places: &FxHashMap<JobIndex, JobIndex>) -> Edge {
        Edge { version: self.taken(job, edge.version, places), ..edge }
    }

    /// Returns the version that a job takes, moved to the later step where that is possible.
    fn taken(
        &mut self,
        job: JobIndex,
        version: VersionIndex,
        places: &FxHashMap<JobIndex, JobIndex>,
    ) -> VersionIndex {
        let producer = self.old.version(version).producer;
        let standing = producer.map(|producer| self.stands_for[producer.index()]);
        if let Some(standing) = standing.filter(|standing| producer != Some(*standing))
            && let Some(made_again) = self.made.get(&(standing, version)).copied()
            && !comes_from(&self.parents, standing, job)
        {
            self.parents[job.index()].insert(standing);
            return self.place(made_again, places);
        }
        self.place(version, places)
    }

    /// Returns the place of a version in the new graph.
    fn place(&mut self, version: VersionIndex, places: &FxHashMap<JobIndex, JobIndex>) -> VersionIndex {
        if let Some(place) = self.versions.get(&version) {
            return *place;
        }
        let Version { content, producer, superseded_producer: _, prior: _, paths } =
            self.old.version(version);
        let place = VersionIndex::new(self.new.versions.len());
        let kept_producer = producer.and_then(|producer| places.get(&producer).copied());
        let superseded = producer.filter(|_| kept_producer.is_none());
        self.new.versions.push(Version {
            content: content.clone(),
            producer: kept_producer,
            superseded_producer: superseded.map(|producer| self.old.job(producer).step),
            prior: None,
            paths: paths.clone(),
        });
        self.versions.insert(version, place);
        place
    }
}

/// Returns, for each version of a superseded job, the version with that content that the job which stands for it made.
fn same_contents(
    graph: &Graph,
    stands_for: &[JobIndex],
) -> FxHashMap<(JobIndex, VersionIndex), VersionIndex> {
    let mut by_content = FxHashMap::default();
    for (index, version) in graph.indexed_versions() {
        if let (Some(producer), Some(content)) = (version.producer, &version.content) {
            by_content.insert((producer, content), index);
        }
    }
    let mut same = FxHashMap::default();
    for (index, version) in graph.indexed_versions() {
        let (Some(producer), Some(content)) = (version.producer, &version.content) else {
            continue;
        };
        let standing = stands_for[producer.index()];
        if let Some(again) = by_content.get(&(standing, content)) {
            same.insert((standing, index), *again);
        }
    }
    same
}
