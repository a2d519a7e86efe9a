//! The steps of a session as one program: what each would find, and what it would overwrite, if all ran again in their order.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use roar_dag::{Graph, JobIndex, PathIndex, VersionIndex};
use rustc_hash::FxHashMap;

use crate::updates::Update;

/// What a step takes when it runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// Where.
    pub path: PathIndex,
    /// What it took when it ran last.
    pub taken: VersionIndex,
    /// What it takes now: the same, or what has been made in place of that.
    pub expected: VersionIndex,
    /// Who made that.
    pub maker: Option<JobIndex>,
}

/// The order of the steps, and who writes where.
#[derive(Debug)]
pub(crate) struct Program {
    /// The place of each job: a step that was run again keeps the place that it had first.
    places: Vec<(u64, JobIndex)>,
    /// Who makes something at each path, or removes what is there, in the order of the program.
    writers: FxHashMap<PathIndex, Vec<Writer>>,
}

/// A step that writes at a path.
#[derive(Clone, Copy, Debug)]
struct Writer {
    job: JobIndex,
    /// What it made; `None`: it removed what was there.
    made: Option<VersionIndex>,
}

impl Program {
    pub(crate) fn new(graph: &Graph) -> Self {
        let by_id: FxHashMap<&str, JobIndex> = match graph.jobs.iter().any(|job| job.rerun_of.is_some()) {
            true => graph.indexed_jobs().map(|(index, job)| (job.id.as_str(), index)).collect(),
            false => FxHashMap::default(),
        };
        let mut places: Vec<(u64, JobIndex)> = Vec::with_capacity(graph.jobs.len());
        for (index, job) in graph.indexed_jobs() {
            let first = job.supersedes.iter().copied().chain([job.step]).min().unwrap_or(job.step);
            // One that failed when it was run again stands for nothing, and has its place all the same.
            let again = job.rerun_of.as_ref().and_then(|id| by_id.get(id.as_str()));
            let place = again
                .and_then(|again| places.get(again.index()))
                .map_or(first, |(place, _)| first.min(*place));
            places.push((place, index));
        }
        let mut program: Vec<JobIndex> = graph.indexed_jobs().map(|(index, _)| index).collect();
        program.sort_by_key(|job| places[job.index()]);
        let mut writers: FxHashMap<PathIndex, Vec<Writer>> = FxHashMap::default();
        for job in program {
            let node = graph.job(job);
            let removed = node.deletes.iter().map(|path| (*path, None));
            let made = node.produces.iter().map(|made| (made.path, Some(made.version)));
            for (path, made) in removed.chain(made) {
                writers.entry(path).or_default().push(Writer { job, made });
            }
        }
        Self { places, writers }
    }

    /// Returns the place of a job.
    pub(crate) fn place(&self, job: JobIndex) -> (u64, JobIndex) {
        self.places[job.index()]
    }

    /// Returns the last who writes at each path; `Err`: it has removed what was there.
    pub(crate) fn lasts(&self) -> impl Iterator<Item = (PathIndex, Result<JobIndex, JobIndex>)> {
        self.writers.keys().filter_map(|path| Some((*path, self.last(*path)?)))
    }

    /// Returns who has last made what is at each path.
    pub(crate) fn makers(&self) -> impl Iterator<Item = (PathIndex, JobIndex)> {
        self.lasts().filter_map(|(path, last)| Some((path, last.ok()?)))
    }

    /// Returns who writes at a path after a job.
    pub(crate) fn writers_after(&self, path: PathIndex, job: JobIndex) -> impl Iterator<Item = JobIndex> {
        let place = self.place(job);
        let writers = self.writers.get(&path).into_iter().flatten().map(|writer| writer.job);
        writers.filter(move |writer| self.place(*writer) > place)
    }

    /// Returns the last who writes at a path; `Err`: it has removed what was there.
    pub(crate) fn last(&self, path: PathIndex) -> Option<Result<JobIndex, JobIndex>> {
        let last = self.writers.get(&path)?.last()?;
        Some(if last.made.is_some() { Ok(last.job) } else { Err(last.job) })
    }

    /// Returns what each job takes when it runs again, by its place in the graph.
    pub(crate) fn takes(&self, graph: &Graph, updates: &[Vec<Update>]) -> Vec<Vec<Take>> {
        let of_job = |(job, node): (JobIndex, &roar_dag::Job)| {
            let consumed = node.consumes.iter().map(|edge| (edge.path, edge.version));
            // Whoever adds to a file takes it as well, but for a log.
            let added_to = updates[job.index()].iter().filter(|update| !update.is_taken && !update.is_log);
            let all = consumed.chain(added_to.map(|update| (update.path, update.base)));
            all.map(|(path, taken)| self.take(graph, job, path, taken)).collect()
        };
        graph.indexed_jobs().map(of_job).collect()
    }

    fn take(&self, graph: &Graph, job: JobIndex, path: PathIndex, taken: VersionIndex) -> Take {
        let producer = graph.version(taken).producer;
        let place = self.place(job);
        let writers = self.writers.get(&path).map_or(&[][..], Vec::as_slice);
        let before = writers.iter().rev().find(|writer| self.place(writer.job) < place);
        let as_it_was = Take { path, taken, expected: taken, maker: producer };
        match before {
            // It has taken what a later step made, or what another made at another path.
            _ if producer.is_some_and(|maker| self.place(maker) > place) => as_it_was,
            Some(Writer { job: maker, made: Some(made) }) => {
                Take { path, taken, expected: *made, maker: Some(*maker) }
            }
            Some(Writer { made: None, .. }) | None => as_it_was,
        }
    }

    /// Returns, of jobs and those that must come before each, an order: those of an earlier place first where it is free.
    pub(crate) fn order(&self, parents: &[BTreeSet<JobIndex>]) -> Vec<JobIndex> {
        let mut children = vec![Vec::new(); parents.len()];
        let mut waiting: Vec<usize> = parents.iter().map(BTreeSet::len).collect();
        for ((_, job), parents) in self.places.iter().zip(parents) {
            for parent in parents {
                children[parent.index()].push(*job);
            }
        }
        let mut left: BTreeSet<(u64, JobIndex)> = self.places.iter().copied().collect();
        let mut ready: BTreeSet<(u64, JobIndex)> =
            left.iter().copied().filter(|(_, job)| waiting[job.index()] == 0).collect();
        let mut order = Vec::with_capacity(left.len());
        while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
            left.remove(&next);
            order.push(next.1);
            for child in &children[next.1.index()] {
                waiting[child.index()] = waiting[child.index()].saturating_sub(1);
                if waiting[child.index()] == 0 && left.contains(&self.place(*child)) {
                    ready.insert(self.place(*child));
                }
            }
        }
        order
    }

    /// Adds who must come before whom so that each finds what it takes: who reads at a path comes before the next who writes there, and
    /// that one after those who wrote there before, unless the reader takes from it.
    pub(crate) fn add_order(&self, takes: &[Vec<Take>], parents: &mut [BTreeSet<JobIndex>]) {
        let mut before: Vec<(JobIndex, JobIndex)> = Vec::new();
        for ((_, job), takes) in self.places.iter().zip(takes) {
            for take in takes {
                let writers = self.writers_after(take.path, *job);
                let next = writers.min_by_key(|writer| self.place(*writer));
                before.extend(
                    next.filter(|next| !parents[job.index()].contains(next)).map(|next| (*job, next)),
                );
            }
        }
        for writers in self.writers.values() {
            before.extend(writers.windows(2).map(|pair| (pair[0].job, pair[1].job)));
        }
        before.sort_by_key(|(first, _)| Reverse(self.place(*first)));
        for (first, second) in before {
            if first != second && !parents[first.index()].contains(&second) {
                parents[second.index()].insert(first);
            }
        }
    }
}
