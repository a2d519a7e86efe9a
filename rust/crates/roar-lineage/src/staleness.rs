//! Which steps must run again, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use roar_dag::{Descent, Edge, Graph, JobIndex, PathIndex, VersionIndex};
use roar_store::{Error, Job, JobState, SessionKey, Store};
use rustc_hash::{FxHashMap, FxHashSet};
use tracer_schema::{Exit, Found, Listing, Lookup, Lookups, PathBytes};

use crate::disk::{Disk, OnDisk, is_object, is_there};
use crate::lookups::{Directories, Taking, is_directory};
use crate::program::{Program, Take};
use crate::session::record_of;
use crate::updates::{Update, updated_by, updates};
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
    /// Something is where it looked and found nothing.
    Appeared(PathBytes),
    /// A name is new in a directory that it listed.
    NewFile {
        /// The path; that of a directory ends in a slash.
        path: PathBytes,
        /// The directory.
        directory: PathBytes,
    },
    /// A name is gone from a directory that it listed.
    GoneFile {
        /// The path.
        path: PathBytes,
        /// The directory.
        directory: PathBytes,
    },
    /// A symbolic link that led to an input leads elsewhere, or is none any more.
    Relinked(PathBytes),
    /// A directory that it listed, which had too many names to keep them, has others.
    OtherNames(PathBytes),
    /// A directory that it listed is gone, or cannot be listed.
    Unlisted(PathBytes),
    /// A step that it takes from must run again.
    Upstream(JobIndex),
    /// A step that comes before it must run again, and writes at the same path: what it has made or removed there is to be as it was.
    Overwritten {
        /// Where.
        path: PathIndex,
        /// By whom.
        by: JobIndex,
    },
    /// A step must run again that takes what it made, and that was updated in place, moved or removed since.
    Base {
        /// What.
        path: PathIndex,
        /// By whom.
        taken_by: JobIndex,
    },
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
    /// Files that it updates in place and that are not as they were before it, nor will be: it goes on from what is there now.
    pub goes_on_from: Vec<PathIndex>,
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
    /// What each job looked up, in the same order.
    lookups: Vec<Lookups>,
    /// What each has made of what was there before.
    updates: Vec<Vec<Update>>,
    /// Their order, and who writes where.
    program: Program,
    /// What each takes when it runs again.
    takes: Vec<Vec<Take>>,
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
            let links = reader.links(job.key)?.into_iter().map(|(_, link)| link).collect();
            records.push(record_of(job, reader.files(job.key)?, links));
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
        let mut lookups = store.lookups_of_jobs(jobs.iter().map(|job| job.key))?;
        confirm(&graph, &jobs, &mut lookups);
        let updates = updates(store, &graph, &jobs)?;
        let program = Program::new(&graph);
        let takes = program.takes(&graph, &updates);
        let seen = Seen {
            graph: &graph,
            jobs: &jobs,
            lookups: &lookups,
            updates: &updates,
            program: &program,
            takes: &takes,
        };
        let steps = Judge::new(seen, &disk).judge();
        Ok(Self { graph, jobs, steps, lookups, updates, program, takes, is_whole })
    }

    fn seen(&self) -> Seen<'_> {
        let Self { graph, jobs, lookups, updates, program, takes, .. } = self;
        Seen { graph, jobs, lookups, updates, program, takes }
    }

    /// Returns what the step takes when it runs again, logs that it adds to left out.
    pub fn takes(&self, job: JobIndex) -> &[Take] {
        &self.takes[job.index()]
    }

    /// Returns whether what is at the path now is that version. Asks the disk.
    ///
    /// # Errors
    /// Those of the store.
    pub fn is_there(&self, store: &mut Store, path: PathIndex, version: VersionIndex) -> Result<bool, Error> {
        let Some(content) = self.graph.content(version) else { return Ok(false) };
        let mut disk = Disk::default();
        let name = self.graph.path(path);
        disk.look(store, &[(name.into(), content.is_link)])?;
        Ok(disk.at(name, content.is_link).is(content))
    }

    /// Returns whether the step has to run after steps that have written at those paths: one of its inputs has come out otherwise, one of
    /// its outputs was overwritten, or what it looked up is otherwise. Asks the disk anew.
    ///
    /// # Errors
    /// Those of the store.
    pub fn has_changed(
        &self,
        store: &mut Store,
        job: JobIndex,
        written: &BTreeSet<PathIndex>,
    ) -> Result<bool, Error> {
        if self.graph.job(job).writes().any(|path| written.contains(&path)) {
            return Ok(true);
        }
        for take in self.takes(job).iter().filter(|take| !is_object(self.graph.path(take.path))) {
            let is_as_it_was = match written.contains(&take.path) {
                true => self.is_there(store, take.path, take.taken)?,
                false => take.taken == take.expected,
            };
            if !is_as_it_was {
                return Ok(true);
            }
        }
        Ok(!Judge::new(self.seen(), &Disk::default()).of_lookups(job).is_empty())
    }
}

/// What is known of the steps of a session.
#[derive(Clone, Copy)]
struct Seen<'a> {
    graph: &'a Graph,
    jobs: &'a [Job],
    lookups: &'a [Lookups],
    updates: &'a [Vec<Update>],
    program: &'a Program,
    takes: &'a [Vec<Take>],
}

/// A step that was run again, made nothing and did not fail has found nothing to do: what it looked up then is what counts.
fn confirm(graph: &Graph, jobs: &[Job], lookups: &mut [Lookups]) {
    for (index, job) in graph.indexed_jobs() {
        let Some(earlier) = &job.rerun_of else { continue };
        let is_done = jobs[index.index()].exit == Some(Exit::Code { code: 0 }) && job.produces.is_empty();
        let confirmed = graph.jobs.iter().position(|job| job.id == *earlier).filter(|_| is_done);
        if let Some(confirmed) = confirmed {
            lookups[confirmed] = lookups[index.index()].clone();
        }
    }
}

struct Judge<'a> {
    graph: &'a Graph,
    seen: Seen<'a>,
    disk: &'a Disk,
    /// Versions that were updated in place, or replaced by who had read them, up to what is at the path now; and by whom.
    updated_by: FxHashMap<(PathIndex, VersionIndex), JobIndex>,
    /// Who takes from whom by now: each from those whose products it took, and from those that made its inputs anew.
    descent: Descent,
    directories: Directories,
}

impl<'a> Judge<'a> {
    fn new(seen: Seen<'a>, disk: &'a Disk) -> Self {
        let Seen { graph, updates, program, takes, .. } = seen;
        let mut judge = Self {
            graph,
            seen,
            disk,
            updated_by: updated_by(graph, updates, program.makers()),
            descent: Descent::new(graph.job_parents()),
            directories: Directories::default(),
        };
        let mut remade: Vec<(JobIndex, JobIndex)> = Vec::new();
        for (index, _) in graph.indexed_jobs() {
            let made: BTreeSet<JobIndex> = takes[index.index()]
                .iter()
                .filter_map(|take| judge.remade_by(take))
                .filter(|maker| !judge.descent.parents()[index.index()].contains(maker))
                .collect();
            let made = made.into_iter().filter(|maker| !judge.descent.comes_from(*maker, index));
            remade.extend(made.map(|maker| (index, maker)));
        }
        let mut parents = judge.descent.into_parents();
        for (job, maker) in remade {
            parents[job.index()].insert(maker);
        }
        Self { descent: Descent::new(parents), ..judge }
    }

    /// Returns who has made anew what a step took: the one that comes before it, else the last at that path, unless that was made of it.
    fn remade_by(&self, take: &Take) -> Option<JobIndex> {
        if take.expected != take.taken {
            return take.maker;
        }
        if self.updated_by.contains_key(&(take.path, take.taken)) {
            return None;
        }
        self.maker(take.path)
    }

    fn maker(&self, path: PathIndex) -> Option<JobIndex> {
        self.seen.program.last(path)?.ok()
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
        // What must run again may need what was updated in place, moved or removed since: whoever made that must run again as well, and with
        // it whoever takes from that.
        let upstream = loop {
            let upstream = self.upstream(&order, &reasons);
            let stale = order.iter().filter(|job| reasons.contains_key(job) || upstream.contains_key(job));
            let mut bases = Vec::new();
            for job in stale.clone() {
                self.add_bases(*job, &mut bases);
            }
            let is_stale: BTreeSet<JobIndex> = stale.copied().collect();
            for job in &is_stale {
                self.add_overwritten(*job, &mut bases);
            }
            bases.retain(|(maker, _)| !is_stale.contains(maker));
            if bases.is_empty() {
                break upstream;
            }
            for (maker, reason) in bases {
                let of_maker = reasons.entry(maker).or_default();
                if !of_maker.contains(&reason) {
                    of_maker.push(reason);
                }
            }
        };
        for (job, upstream) in upstream {
            reasons.entry(job).or_default().extend(upstream);
        }
        let is_stale: BTreeSet<JobIndex> = reasons.keys().copied().collect();
        let steps = order.into_iter();
        steps
            .filter_map(|job| {
                let reasons = reasons.remove(&job)?;
                let is_restored = |update: &Update| {
                    let maker = self.graph.version(update.base).producer;
                    self.is_there(update.path, update.base)
                        || maker.is_some_and(|maker| is_stale.contains(&maker))
                };
                // What another has made anew since is not its own result, and what is gone is nothing to go on from.
                let is_its_own = |path| self.maker(path) == Some(job) && is_there(self.graph.path(path));
                let updates = self.seen.updates[job.index()].iter();
                let kept = updates.filter(|update| is_its_own(update.path) && !is_restored(update));
                Some(StaleStep { job, reasons, goes_on_from: kept.map(|update| update.path).collect() })
            })
            .collect()
    }

    /// Returns for each job which stale ones it takes from, where there are some.
    fn upstream(
        &self,
        order: &[JobIndex],
        own: &BTreeMap<JobIndex, Vec<Reason>>,
    ) -> BTreeMap<JobIndex, Vec<Reason>> {
        let mut found: BTreeMap<JobIndex, Vec<Reason>> = BTreeMap::new();
        for job in order {
            let parents = self.descent.parents()[job.index()].iter();
            let stale = parents.filter(|parent| own.contains_key(parent) || found.contains_key(parent));
            let upstream: Vec<Reason> = stale.map(|parent| Reason::Upstream(*parent)).collect();
            if !upstream.is_empty() {
                found.insert(*job, upstream);
            }
        }
        found
    }

    /// Returns whether a version is at that path now.
    fn is_there(&self, path: PathIndex, version: VersionIndex) -> bool {
        let content = self.graph.content(version);
        content.is_some_and(|content| self.disk.at(self.graph.path(path), content.is_link).is(content))
    }

    /// Adds those who have to make anew what a job takes, since another has updated, moved or removed it since.
    fn add_bases(&self, job: JobIndex, bases: &mut Vec<(JobIndex, Reason)>) {
        for take in &self.seen.takes[job.index()] {
            let Take { path, expected, maker: Some(maker), .. } = *take else { continue };
            // Where it has made what is there now, that is wrong by itself.
            let is_last = self.seen.program.last(path) == Some(Ok(maker));
            let is_own = maker == job || is_object(self.graph.path(path));
            if !is_last && !is_own && !self.is_there(path, expected) {
                bases.push((maker, Reason::Base { path, taken_by: job }));
            }
        }
    }

    /// Adds those who come after a job and write where it writes, logs left out.
    fn add_overwritten(&self, job: JobIndex, bases: &mut Vec<(JobIndex, Reason)>) {
        let updates = &self.seen.updates[job.index()];
        let is_log = |path: &PathIndex| updates.iter().any(|update| update.is_log && update.path == *path);
        for path in self.graph.job(job).writes().filter(|path| !is_log(path)) {
            let after = self.seen.program.writers_after(path, job);
            bases.extend(after.map(|after| (after, Reason::Overwritten { path, by: job })));
        }
    }

    /// Returns the jobs, each after those that it takes from, and so that each finds what it takes.
    fn order(&self) -> Vec<JobIndex> {
        let mut parents = self.descent.parents().to_vec();
        self.seen.program.add_order(self.seen.takes, &mut parents);
        self.seen.program.order(&parents)
    }

    /// Returns why the job itself must run again, whatever the others do.
    fn reasons(&mut self, index: JobIndex) -> Vec<Reason> {
        let Seen { graph, jobs, .. } = self.seen;
        let (job, record) = (graph.job(index), &jobs[index.index()]);
        let mut reasons = Vec::new();
        match (record.state, record.exit) {
            (JobState::Interrupted, _) => reasons.push(Reason::Interrupted),
            (JobState::Recorded, Some(Exit::Code { code: 0 })) => {}
            (JobState::Recorded, _) => reasons.push(Reason::Failed),
        }
        let takes = &self.seen.takes[index.index()];
        for (at, take) in takes.iter().enumerate() {
            // First what it has read, then what it has only added to.
            reasons.extend(match job.consumes.get(at) {
                Some(edge) => self.of_input(index, edge, take),
                None => self.of_updated(index, take),
            });
        }
        reasons.extend(job.produces.iter().filter_map(|edge| self.of_output(index, edge)));
        reasons.extend(self.of_lookups(index));
        reasons
    }

    fn of_input(&mut self, job: JobIndex, edge: &Edge, take: &Take) -> Option<Reason> {
        let content = self.graph.content(edge.version)?;
        let path = self.graph.path(edge.path);
        if is_object(path) {
            return self.of_object(job, edge);
        }
        if take.expected != take.taken && !self.is_same(take) {
            return Some(self.changed(take));
        }
        let found = self.disk.at(path, is_link(self.graph, edge));
        if found.is(content) || self.updated_by.contains_key(&(edge.path, take.expected)) {
            return None;
        }
        match self.seen.program.last(edge.path) {
            // A file that is updated step by step is not stale at each step but the last.
            Some(Ok(maker)) if self.descent.comes_from(maker, job) => return None,
            Some(Err(_)) if *found == OnDisk::Missing => return None,
            Some(_) | None => {}
        }
        match found {
            OnDisk::Missing if is_there(path) => {}
            OnDisk::Missing => return Some(Reason::Missing(edge.path)),
            OnDisk::Unknown(_) => return Some(Reason::Unreadable(edge.path)),
            OnDisk::There(_) => {}
        }
        Some(self.changed(take))
    }

    fn changed(&self, take: &Take) -> Reason {
        let is_code = is_code(self.graph.path(take.path));
        Reason::Changed { path: take.path, is_code, remade_by: self.remade_by(take) }
    }

    /// Returns whether what was made in place of what a step took has the same content.
    fn is_same(&self, take: &Take) -> bool {
        let content = self.graph.content(take.taken);
        content.is_some() && content == self.graph.content(take.expected)
    }

    /// What was only added to, and not read, has to be added once more if somebody has made it anew since.
    fn of_updated(&mut self, job: JobIndex, take: &Take) -> Option<Reason> {
        if take.expected != take.taken {
            return (!self.is_same(take)).then(|| self.changed(take));
        }
        let maker = self.remade_by(take)?;
        let is_after = self.seen.program.place(maker) > self.seen.program.place(job);
        (is_after && !self.descent.comes_from(maker, job)).then(|| self.changed(take))
    }

    /// Nobody asks the object store what is there now: only what a later step did counts.
    fn of_object(&mut self, job: JobIndex, edge: &Edge) -> Option<Reason> {
        let maker = self.maker(edge.path)?;
        if self.descent.comes_from(maker, job) {
            return None;
        }
        let newest = self.graph.job(maker).produces.iter().filter(|made| made.path == edge.path);
        let is_newest = newest.into_iter().any(|made| {
            let (one, other) = (self.graph.content(made.version), self.graph.content(edge.version));
            made.version == edge.version || (one.is_some() && one == other)
        });
        let is_after = self.seen.program.place(maker) > self.seen.program.place(job);
        (is_after && !is_newest).then_some(Reason::Changed {
            path: edge.path,
            is_code: false,
            remade_by: Some(maker),
        })
    }

    fn of_output(&self, job: JobIndex, edge: &Edge) -> Option<Reason> {
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

    /// Returns how what the job looked up is otherwise by now, but for what the job has done itself, or jobs that come from it.
    fn of_lookups(&mut self, index: JobIndex) -> Vec<Reason> {
        let lookups = self.seen.lookups;
        let reasons = lookups[index.index()].found.iter().flat_map(|lookup| {
            let Lookup { path, found, program } = lookup;
            match found {
                Found::Absent if is_there(path.as_bytes()) => vec![Reason::Appeared(path.clone())],
                Found::Absent => Vec::new(),
                Found::Link { target } if leads_to(path.as_path(), target.as_path()) => Vec::new(),
                Found::Link { .. } => vec![Reason::Relinked(path.clone())],
                Found::Listing(listing) => self.of_listing(index, path, listing, program),
            }
        });
        let mut reasons: Vec<Reason> = reasons.collect();
        if !reasons.is_empty() {
            let own = self.own_changes(index, &reasons);
            reasons.retain(|reason| changed_path(reason).is_none_or(|path| !own.contains(path)));
        }
        reasons
    }

    fn of_listing(
        &mut self,
        index: JobIndex,
        directory: &PathBytes,
        listing: &Listing,
        program: &PathBytes,
    ) -> Vec<Reason> {
        let graph = self.graph;
        let Some(now) = self.directories.names(directory.as_path()) else {
            return vec![Reason::Unlisted(directory.clone())];
        };
        let Some(before) = &listing.names else {
            let is_same = now.to_listing(0).blake3 == listing.blake3;
            return if is_same { Vec::new() } else { vec![Reason::OtherNames(directory.clone())] };
        };
        let job = graph.job(index);
        let inputs = job.consumes.iter().map(|edge| graph.path(edge.path));
        let taking = Taking::new(directory, before, program, &self.seen.jobs[index.index()].cwd, inputs);
        let at = |name: &[u8]| PathBytes::from(directory.as_path().join(OsStr::from_bytes(name)).as_path());
        let before: BTreeSet<&[u8]> = before.iter().map(PathBytes::as_bytes).collect();
        let new = now.iter().filter(|name| !before.contains(name) && taking.cares_for(name));
        let mut reasons: Vec<Reason> =
            new.map(|name| Reason::NewFile { path: at(name), directory: directory.clone() }).collect();
        let now: FxHashSet<&[u8]> = now.iter().collect();
        // A directory may be one that the step made itself; an input that is gone is a reason of its own.
        let is_gone = |name: &&&[u8]| {
            !now.contains(**name) && !is_directory(name) && !taking.has(name) && taking.cares_for(name)
        };
        let gone = before.iter().filter(is_gone);
        reasons.extend(gone.map(|name| Reason::GoneFile { path: at(name), directory: directory.clone() }));
        reasons
    }

    /// Returns those of the paths that reasons name which the job itself has made or removed, or a job that comes from it.
    fn own_changes<'r>(&mut self, index: JobIndex, reasons: &'r [Reason]) -> FxHashSet<PathBytes> {
        let graph = self.graph;
        let without_slash =
            |path: &'r PathBytes| path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes());
        let wanted: FxHashMap<&[u8], &PathBytes> =
            reasons.iter().filter_map(changed_path).map(|path| (without_slash(path), path)).collect();
        let mut own: FxHashSet<PathBytes> =
            graph.job(index).deletes.iter().map(|path| graph.path(*path).into()).collect();
        let Self { seen, descent, .. } = self;
        for (path, done) in seen.program.lasts() {
            let path = graph.path(path);
            let Ok(maker) = done else {
                own.insert(path.into());
                continue;
            };
            // What has come up may be a directory, of which only what was made in it is known.
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            let parts = slashes.chain([path.len()]).filter_map(|end| wanted.get(&path[..end]));
            let made: Vec<&&PathBytes> = parts.collect();
            if !made.is_empty() && (maker == index || descent.comes_from(maker, index)) {
                own.extend(made.into_iter().map(|path| (*path).clone()));
            }
        }
        own
    }
}

/// Returns whether a link leads where one with that target would, in its place.
fn leads_to(link: &Path, target: &Path) -> bool {
    let Ok(now) = fs::read_link(link) else { return false };
    let led = link.parent().and_then(|parent| parent.join(target).canonicalize().ok());
    now == target || (led.is_some() && led == link.canonicalize().ok())
}

/// Returns the path at which something has come or gone.
fn changed_path(reason: &Reason) -> Option<&PathBytes> {
    match reason {
        Reason::Appeared(path)
        | Reason::NewFile { path, .. }
        | Reason::GoneFile { path, .. }
        | Reason::Relinked(path) => Some(path),
        Reason::Changed { .. }
        | Reason::Missing(_)
        | Reason::Unreadable(_)
        | Reason::OutputMissing(_)
        | Reason::OutputChanged(_)
        | Reason::OtherNames(_)
        | Reason::Unlisted(_)
        | Reason::Upstream(_)
        | Reason::Overwritten { .. }
        | Reason::Base { .. }
        | Reason::Failed
        | Reason::Interrupted => None,
    }
}

/// Returns whether a file is code, by the end of its name.
pub fn is_code(path: &[u8]) -> bool {
    let path = PathBytes::from(path);
    path.as_path().extension().and_then(OsStr::to_str).is_some_and(|end| CODE.contains(&end))
}
