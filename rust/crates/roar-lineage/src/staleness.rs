//! Which steps must run again, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use roar_dag::{Descent, Graph, JobIndex, PathIndex};
use roar_store::{Error, Job, JobState, SessionKey, Store};
use rustc_hash::FxHashMap;
use tracer_schema::{Exit, PathBytes};

use crate::disk::{Disk, OnDisk, is_object, is_there};
use crate::listing::Listings;
use crate::session::record_of;
use crate::verify::is_link;

/// Why a step must run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An input has another content.
    Changed {
        /// Which.
        path: PathIndex,
        /// It is code.
        is_code: bool,
        /// The later step that made it anew, if one did.
        remade_by: Option<JobIndex>,
    },
    /// An input is gone.
    Missing(PathIndex),
    /// An input cannot be read.
    Unreadable(PathIndex),
    /// An output is gone.
    OutputMissing(PathIndex),
    /// An output was changed by somebody who was not observed.
    OutputChanged(PathIndex),
    /// A file is new beside inputs, of which the step had read all that there were.
    NewFile(PathBytes),
    /// A step that it takes from must run again.
    Upstream(JobIndex),
    /// It failed.
    Failed,
    /// It was broken off.
    Interrupted,
}

/// A step that must run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleStep {
    /// Which.
    pub job: JobIndex,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

/// The steps of a session against the disk.
#[derive(Debug)]
pub struct Staleness {
    /// The steps, without those that were run again.
    pub graph: Graph,
    /// The jobs, in the order of those of the graph.
    pub jobs: Vec<Job>,
    /// Those that must run again, in the order in which they must.
    pub steps: Vec<StaleStep>,
    /// Whether all steps were looked at.
    pub is_whole: bool,
}

/// Ends of names of files that are code, beside whatever is executed.
const CODE: &[&str] = &[
    "py", "ipynb", "r", "R", "Rmd", "jl", "sh", "bash", "zsh", "pl", "rb", "js", "ts", "lua", "m", "sql",
    "c", "cc", "cpp", "h", "hpp", "rs", "go", "java", "scala", "f90", "awk", "sed", "mk", "smk", "nf", "do",
    "sas", "stan",
];

/// Jobs that are looked at, at most, where only the newest are: those fill some screens.
const NEWEST_MAX: usize = 1_000;

/// Fewest files of a directory that make a step one that reads all there are.
const SIBLINGS_MIN: usize = 2;

impl Staleness {
    /// Compares every step of a session with the disk.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of_session(store: &mut Store, session: SessionKey) -> Result<Self, Error> {
        let (graph, jobs) = crate::of_session(store, session)?;
        Self::new(store, graph, jobs, true)
    }

    /// Compares the newest steps of a session with the disk: as many as have no more files than that together.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of_newest(store: &mut Store, session: SessionKey, files_max: u64) -> Result<Self, Error> {
        let mut jobs = store.jobs_of_session(session, NEWEST_MAX + 1)?;
        let mut files = 0;
        let fitting = jobs.iter().take(NEWEST_MAX).take_while(|job| {
            let counts = job.counts;
            files += counts.inputs + counts.outputs + counts.deletions + counts.temporaries + counts.filtered;
            files <= files_max
        });
        let count = fitting.count();
        let is_whole = count == jobs.len();
        jobs.truncate(count);
        jobs.reverse();
        let mut reader = store.lineage_reader()?;
        let mut records = Vec::with_capacity(jobs.len());
        for job in &jobs {
            records.push(record_of(job, reader.files(job.key)?));
        }
        drop(reader);
        Self::new(store, Graph::from_records(&records), jobs, is_whole)
    }

    fn new(store: &mut Store, whole: Graph, jobs: Vec<Job>, is_whole: bool) -> Result<Self, Error> {
        let graph = whole.collapse();
        let mut by_id: FxHashMap<String, Job> = jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
        let jobs: Vec<Job> =
            graph.jobs.iter().map(|job| by_id.remove(&job.id).expect("the graph is of these jobs")).collect();
        let mut disk = Disk::default();
        let edges = graph.jobs.iter().flat_map(|job| job.consumes.iter().chain(&job.produces));
        let wanted: Vec<(PathBytes, bool)> =
            edges.map(|edge| (graph.path(edge.path).into(), is_link(&graph, edge))).collect();
        disk.look(store, &wanted)?;
        let steps = Judge::new(&graph, &jobs, &disk).judge();
        Ok(Self { graph, jobs, steps, is_whole })
    }

    /// Returns whether an input of the step has another content than when it ran. Asks the disk anew.
    ///
    /// # Errors
    /// Those of the store.
    pub fn has_changed_input(&self, store: &mut Store, job: JobIndex) -> Result<bool, Error> {
        let graph = &self.graph;
        let mut disk = Disk::default();
        let consumes = &graph.job(job).consumes;
        let wanted: Vec<(PathBytes, bool)> =
            consumes.iter().map(|edge| (graph.path(edge.path).into(), is_link(graph, edge))).collect();
        disk.look(store, &wanted)?;
        let of_files = consumes.iter().filter(|edge| !is_object(graph.path(edge.path)));
        Ok(of_files.into_iter().any(|edge| match graph.content(edge.version) {
            Some(content) => !disk.at(graph.path(edge.path), is_link(graph, edge)).is(content),
            None => true,
        }))
    }
}

/// Who did last what to a path.
#[derive(Clone, Copy)]
enum Last {
    Made(JobIndex),
    Deleted,
}

struct Judge<'a> {
    graph: &'a Graph,
    jobs: &'a [Job],
    disk: &'a Disk,
    last: FxHashMap<PathIndex, Last>,
    /// Who takes from whom by now: each from those whose products it took, and from those that made its inputs anew.
    descent: Descent,
    listings: Listings,
}

impl<'a> Judge<'a> {
    fn new(graph: &'a Graph, jobs: &'a [Job], disk: &'a Disk) -> Self {
        let mut last = FxHashMap::default();
        for (index, job) in graph.indexed_jobs() {
            last.extend(job.deletes.iter().map(|path| (*path, Last::Deleted)));
            last.extend(job.produces.iter().map(|edge| (edge.path, Last::Made(index))));
        }
        let mut judge = Self {
            graph,
            jobs,
            disk,
            last,
            descent: Descent::new(graph.job_parents()),
            listings: Listings::default(),
        };
        let mut remade: Vec<(JobIndex, JobIndex)> = Vec::new();
        for (index, job) in graph.indexed_jobs() {
            let made = job.consumes.iter().filter_map(|edge| judge.maker(edge.path));
            let made: BTreeSet<JobIndex> =
                made.filter(|maker| !judge.descent.parents()[index.index()].contains(maker)).collect();
            let made = made.into_iter().filter(|maker| !judge.descent.comes_from(*maker, index));
            remade.extend(made.map(|maker| (index, maker)));
        }
        let mut parents = judge.descent.into_parents();
        for (job, maker) in remade {
            parents[job.index()].insert(maker);
        }
        Self { descent: Descent::new(parents), ..judge }
    }

    fn maker(&self, path: PathIndex) -> Option<JobIndex> {
        match self.last.get(&path) {
            Some(Last::Made(job)) => Some(*job),
            Some(Last::Deleted) | None => None,
        }
    }

    fn judge(mut self) -> Vec<StaleStep> {
        let mut reasons: BTreeMap<JobIndex, Vec<Reason>> = BTreeMap::new();
        for (index, _) in self.graph.indexed_jobs() {
            let own = self.reasons(index);
            if !own.is_empty() {
                reasons.insert(index, own);
            }
        }
        let order = self.order();
        for job in &order {
            let stale =
                self.descent.parents()[job.index()].iter().filter(|parent| reasons.contains_key(parent));
            let upstream: Vec<Reason> = stale.map(|parent| Reason::Upstream(*parent)).collect();
            if !upstream.is_empty() {
                reasons.entry(*job).or_default().extend(upstream);
            }
        }
        let steps = order.into_iter();
        steps.filter_map(|job| Some(StaleStep { job, reasons: reasons.remove(&job)? })).collect()
    }

    /// Returns the jobs, each after those that it takes from; where that goes round in a circle, by their steps.
    fn order(&self) -> Vec<JobIndex> {
        let all_parents = self.descent.parents();
        let mut children = vec![Vec::new(); all_parents.len()];
        let mut waiting: Vec<usize> = all_parents.iter().map(BTreeSet::len).collect();
        for ((job, _), parents) in self.graph.indexed_jobs().zip(all_parents) {
            for parent in parents {
                children[parent.index()].push(job);
            }
        }
        let mut left: BTreeSet<JobIndex> = self.graph.indexed_jobs().map(|(job, _)| job).collect();
        let mut ready: BTreeSet<JobIndex> =
            left.iter().copied().filter(|job| waiting[job.index()] == 0).collect();
        let mut order = Vec::with_capacity(left.len());
        while let Some(job) = ready.pop_first().or_else(|| left.first().copied()) {
            left.remove(&job);
            order.push(job);
            for child in &children[job.index()] {
                waiting[child.index()] = waiting[child.index()].saturating_sub(1);
                if waiting[child.index()] == 0 && left.contains(child) {
                    ready.insert(*child);
                }
            }
        }
        order
    }

    /// Returns why the job itself must run again, whatever the others do.
    fn reasons(&mut self, index: JobIndex) -> Vec<Reason> {
        let (graph, jobs) = (self.graph, self.jobs);
        let (job, record) = (graph.job(index), &jobs[index.index()]);
        let mut reasons = Vec::new();
        match (record.state, record.exit) {
            (JobState::Interrupted, _) => reasons.push(Reason::Interrupted),
            (JobState::Recorded, Some(Exit::Code { code: 0 })) => {}
            (JobState::Recorded, _) => reasons.push(Reason::Failed),
        }
        reasons.extend(job.consumes.iter().filter_map(|edge| self.of_input(index, edge)));
        reasons.extend(job.produces.iter().filter_map(|edge| self.of_output(index, edge)));
        reasons.extend(self.new_files(index).into_iter().map(Reason::NewFile));
        reasons
    }

    fn of_input(&mut self, job: JobIndex, edge: &roar_dag::Edge) -> Option<Reason> {
        let content = self.graph.content(edge.version)?;
        let path = self.graph.path(edge.path);
        if is_object(path) {
            return self.of_object(job, edge);
        }
        let found = self.disk.at(path, is_link(self.graph, edge));
        if found.is(content) {
            return None;
        }
        match self.last.get(&edge.path) {
            // A file that is updated step by step is not stale at each step but the last.
            Some(Last::Made(maker)) if self.descent.comes_from(*maker, job) => return None,
            Some(Last::Deleted) if *found == OnDisk::Missing => return None,
            Some(_) | None => {}
        }
        match found {
            OnDisk::Missing if is_there(path) => {}
            OnDisk::Missing => return Some(Reason::Missing(edge.path)),
            OnDisk::Unknown(_) => return Some(Reason::Unreadable(edge.path)),
            OnDisk::There(_) => {}
        }
        let is_code = is_code(path);
        Some(Reason::Changed { path: edge.path, is_code, remade_by: self.maker(edge.path) })
    }

    /// Nobody asks the object store what is there now: only what a later step did counts.
    fn of_object(&mut self, job: JobIndex, edge: &roar_dag::Edge) -> Option<Reason> {
        let maker = self.maker(edge.path)?;
        if self.descent.comes_from(maker, job) {
            return None;
        }
        let newest = self.graph.job(maker).produces.iter().filter(|made| made.path == edge.path);
        let is_newest = newest.into_iter().any(|made| {
            let (one, other) = (self.graph.content(made.version), self.graph.content(edge.version));
            made.version == edge.version || (one.is_some() && one == other)
        });
        (maker > job && !is_newest).then_some(Reason::Changed {
            path: edge.path,
            is_code: false,
            remade_by: Some(maker),
        })
    }

    fn of_output(&self, job: JobIndex, edge: &roar_dag::Edge) -> Option<Reason> {
        if self.maker(edge.path) != Some(job) {
            return None;
        }
        let content = self.graph.content(edge.version)?;
        match self.disk.at(self.graph.path(edge.path), is_link(self.graph, edge)) {
            OnDisk::Missing => Some(Reason::OutputMissing(edge.path)),
            OnDisk::There(now) if now.view() != content => Some(Reason::OutputChanged(edge.path)),
            OnDisk::There(_) | OnDisk::Unknown(_) => None,
        }
    }

    /// Returns files that have come up since beside the job's inputs: in a directory of which it had read every file with
    /// the same end of name, as a step does that lists it. No tracer tells of listings, so this is a guess.
    fn new_files(&mut self, index: JobIndex) -> Vec<PathBytes> {
        let job = self.graph.job(index);
        let paths = |edges: &[roar_dag::Edge]| -> BTreeSet<PathBuf> {
            edges
                .iter()
                .filter(|edge| !is_object(self.graph.path(edge.path)))
                .map(|edge| PathBytes::from(self.graph.path(edge.path)).as_path().to_owned())
                .collect()
        };
        let (inputs, outputs) = (paths(&job.consumes), paths(&job.produces));
        let mut groups: BTreeMap<(&Path, &OsStr), usize> = BTreeMap::new();
        for input in inputs.iter().filter(|path| !is_code(path.as_os_str().as_encoded_bytes())) {
            if let (Some(directory), Some(end)) = (input.parent(), input.extension()) {
                *groups.entry((directory, end)).or_default() += 1;
            }
        }
        groups.retain(|_, count| *count >= SIBLINGS_MIN);
        let started = u64::try_from(self.jobs[index.index()].started_unix_ns).unwrap_or(0);
        let started = UNIX_EPOCH + Duration::from_nanos(started);
        let mut found = Vec::new();
        for (directory, end) in groups.into_keys() {
            let is_known = |path: &Path| inputs.contains(path) || outputs.contains(path);
            found.extend(self.listings.new_files(directory, end, started, is_known));
        }
        found
    }
}

/// Returns whether a file is code, by the end of its name.
pub fn is_code(path: &[u8]) -> bool {
    let path = PathBytes::from(path);
    path.as_path().extension().and_then(OsStr::to_str).is_some_and(|end| CODE.contains(&end))
}
