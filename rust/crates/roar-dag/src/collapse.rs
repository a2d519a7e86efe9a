//! Leaving out the steps that were run again.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::ancestry::comes_from;
use crate::descent::Descent;
use crate::graph::{Graph, Job, JobIndex, Version, VersionIndex};

impl Graph {
    /// Returns the graph in which a step stands for all earlier ones of the same command in the same directory.
    ///
    /// What a job took from a superseded step it takes from the later one, if that made the same content again and does
    /// not itself come from the job. Otherwise the version stays, without a producer, and names the superseded step.
    pub fn collapse(self) -> Self {
        let stands_for = standing(&self);
        let is_superseded = |(index, _): (JobIndex, &Job)| stands_for[index.index()] != index;
        if self.indexed_jobs().any(is_superseded) { Collapse::new(self, stands_for).graph() } else { self }
    }
}

/// Later runs of a command that are asked whether they stand for one, the newest first: of a command that has gone on from its own results
/// a thousand times none does.
const LATER_MAX: usize = 8;

/// Returns for each job the one that stands for it: a later one of the same command in the same directory, else itself.
///
/// A later one has run it again if it has made something, where that has, and nothing that it used comes from that: `make` that found
/// everything up to date and training that went on from a checkpoint have not, unless it was told to run that one again.
fn standing(graph: &Graph) -> Vec<JobIndex> {
    let mut of_command: FxHashMap<_, Vec<JobIndex>> = FxHashMap::default();
    for (index, job) in graph.indexed_jobs() {
        of_command.entry((&job.command, &job.cwd)).or_default().push(index);
    }
    let mut standing: Vec<JobIndex> = graph.indexed_jobs().map(|(index, _)| index).collect();
    let mut by_id: FxHashMap<&str, JobIndex> = FxHashMap::default();
    if graph.jobs.iter().any(|job| job.rerun_of.is_some()) {
        by_id.extend(graph.indexed_jobs().map(|(index, job)| (job.id.as_str(), index)));
    }
    // Who was told to run one again has done so, whatever it went on from.
    let mut told: FxHashMap<JobIndex, JobIndex> = FxHashMap::default();
    for (index, job) in graph.indexed_jobs() {
        let earlier = job.rerun_of.as_ref().and_then(|id| by_id.get(id.as_str()));
        told.extend(earlier.map(|earlier| (*earlier, index)));
    }
    let repeated: Vec<Vec<JobIndex>> = of_command.into_values().filter(|jobs| jobs.len() > 1).collect();
    if repeated.is_empty() {
        return standing;
    }
    let makers =
        |job: &Job| job.consumes.iter().filter_map(|edge| graph.version(edge.version).producer).collect();
    let mut descent = Descent::new(graph.jobs.iter().map(makers).collect());
    for jobs in repeated {
        // The newest first: whoever stands for another stands for itself.
        for (at, earlier) in jobs.iter().enumerate().rev() {
            let has_made = !graph.job(*earlier).produces.is_empty();
            let is_fit = |later: &&JobIndex| {
                standing[later.index()] == **later && (!has_made || !graph.job(**later).produces.is_empty())
            };
            let mut fit = jobs[at + 1..].iter().rev().filter(is_fit).take(LATER_MAX);
            let told = told.get(earlier).filter(|later| !has_made || !graph.job(**later).produces.is_empty());
            let again = match told {
                Some(later) => Some(standing[later.index()]),
                None => fit.find(|later| !descent.comes_from(**later, *earlier)).copied(),
            };
            standing[earlier.index()] = again.unwrap_or(*earlier);
        }
    }
    standing
}

struct Collapse {
    old: Graph,
    /// For each job the one that stands for it: itself, or a later one.
    stands_for: Vec<JobIndex>,
    /// The steps that each job stands for, but its own.
    superseded: FxHashMap<JobIndex, Vec<u64>>,
    /// For the versions of superseded jobs, what those that stand for them made with the same content.
    made_again: FxHashMap<VersionIndex, VersionIndex>,
    /// For each job those that it takes from, as far as that is decided.
    parents: Vec<BTreeSet<JobIndex>>,
    new: Graph,
    /// The place of each kept job in the new graph.
    places: Vec<Option<JobIndex>>,
    /// The place of each version in the new graph.
    versions: Vec<Option<VersionIndex>>,
}

impl Collapse {
    fn new(old: Graph, stands_for: Vec<JobIndex>) -> Self {
        let mut superseded: FxHashMap<JobIndex, Vec<u64>> = FxHashMap::default();
        for ((index, job), standing) in old.indexed_jobs().zip(&stands_for) {
            if index != *standing {
                superseded.entry(*standing).or_default().push(job.step);
            }
        }
        Self {
            made_again: made_again(&old, &stands_for),
            superseded,
            stands_for,
            parents: vec![BTreeSet::new(); old.jobs.len()],
            places: vec![None; old.jobs.len()],
            versions: vec![None; old.versions.len()],
            new: Graph::default(),
            old,
        }
    }

    fn graph(mut self) -> Graph {
        let kept: Vec<JobIndex> =
            self.old.indexed_jobs().map(|(index, _)| index).filter(|index| self.is_kept(*index)).collect();
        // The edges that stay as they are come first: whether another may be moved depends on all of them.
        for index in &kept {
            let producers = self.old.taken(*index).filter_map(|version| self.old.version(version).producer);
            self.parents[index.index()] = producers.filter(|producer| self.is_kept(*producer)).collect();
        }
        for (place, index) in kept.iter().enumerate() {
            self.places[index.index()] = Some(JobIndex::new(place));
        }
        self.new.versions.reserve(self.old.versions.len());
        for index in kept {
            let job = self.job(index);
            self.new.jobs.push(job);
        }
        Graph { legend: self.old.legend, ..self.new }
    }

    fn is_kept(&self, job: JobIndex) -> bool {
        self.stands_for[job.index()] == job
    }

    fn job(&mut self, index: JobIndex) -> Job {
        let mut job = std::mem::take(&mut self.old.jobs[index.index()]);
        for edge in &mut job.consumes {
            edge.version = self.taken(index, edge.version);
        }
        let made: Vec<VersionIndex> = job.produces.iter().map(|edge| edge.version).collect();
        for edge in &mut job.produces {
            edge.version = self.place(edge.version);
        }
        for (edge, made) in job.produces.iter().zip(made) {
            let prior = self.old.version(made).prior.map(|prior| self.taken(index, prior));
            self.new.versions[edge.version.index()].prior = prior;
        }
        Job { supersedes: self.superseded.remove(&index).unwrap_or_default(), ..job }
    }

    /// Returns the version that a job takes, moved to the later step where that is possible.
    fn taken(&mut self, job: JobIndex, version: VersionIndex) -> VersionIndex {
        if let Some(made_again) = self.made_again.get(&version).copied()
            && let Some(standing) = self.old.version(made_again).producer
            && !comes_from(&self.parents, standing, job)
        {
            self.parents[job.index()].insert(standing);
            return self.place(made_again);
        }
        self.place(version)
    }

    /// Returns the place of a version in the new graph.
    fn place(&mut self, version: VersionIndex) -> VersionIndex {
        if let Some(place) = self.versions[version.index()] {
            return place;
        }
        let Version { content, producer, superseded_producer: _, prior: _, path } =
            *self.old.version(version);
        let place = VersionIndex::new(self.new.versions.len());
        let kept_producer = producer.and_then(|producer| self.places[producer.index()]);
        let superseded = producer.filter(|_| kept_producer.is_none());
        self.new.versions.push(Version {
            content,
            producer: kept_producer,
            superseded_producer: superseded.map(|producer| self.old.job(producer).step),
            prior: None,
            path,
        });
        if let Some(names) = self.old.other_names.remove(&version) {
            self.new.other_names.insert(place, names);
        }
        self.versions[version.index()] = Some(place);
        place
    }
}

/// Returns, for each version of a superseded job, the version with that content that the job which stands for it made.
fn made_again(graph: &Graph, stands_for: &[JobIndex]) -> FxHashMap<VersionIndex, VersionIndex> {
    let mut by_content = FxHashMap::default();
    let superseded =
        || graph.indexed_jobs().zip(stands_for).filter(|((index, _), standing)| index != *standing);
    for (_, standing) in superseded() {
        for edge in &graph.job(*standing).produces {
            by_content.insert((*standing, graph.version(edge.version).content), edge.version);
        }
    }
    let mut again = FxHashMap::default();
    for ((_, job), standing) in superseded() {
        for edge in &job.produces {
            let content = graph.version(edge.version).content;
            if let Some(made) = by_content.get(&(*standing, content)).filter(|_| content.is_some()) {
                again.insert(edge.version, *made);
            }
        }
    }
    again
}
