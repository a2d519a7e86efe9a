//! What an artifact or a job comes from, across sessions, read job by job: a session may hold a million files, and what a
//! person asks about comes from a handful of them.

use std::collections::{BTreeMap, BTreeSet};

use roar_dag::{Ancestry, Edge, Graph, JobIndex, JobRecord, Span, VersionIndex};
use roar_store::{
    Artifact, ArtifactKey, Error, Job, JobKey, JobKind, LineageReader, PathKey, SessionFile, Store, Target,
};
use tracer_schema::{PathBytes, Prior, Role};

use crate::session::{record_of, span};

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a job: what it took.
    Job(JobIndex),
    /// At a content as a job made or found it.
    Version(VersionIndex),
}

/// What something comes from.
#[derive(Debug)]
pub struct Lineage {
    /// The jobs that it comes from and what they took and made, with the one that it was met in.
    pub graph: Graph,
    /// The jobs, in the order of those of the graph.
    pub jobs: Vec<Job>,
    /// Where it begins.
    pub start: Start,
    /// The file at which it begins, unless that is a job: by the name that was asked for.
    pub file: Option<Edge>,
    /// What that comes from: the start itself is no part of it, but the job that made the version is.
    pub ancestry: Ancestry,
    /// The jobs of its session that set things up before it, where those were asked for.
    pub builds: Vec<JobIndex>,
}

impl Lineage {
    /// Returns what a target comes from; `None` where no job wrote or read it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(store: &Store, target: &Target) -> Result<Option<Self>, Error> {
        Self::walk(Walk::new(store)?, target)
    }

    /// As [`of`](Self::of), with the jobs that set things up before, and what those come from.
    ///
    /// # Errors
    /// Those of the store.
    pub fn with_builds(store: &Store, target: &Target) -> Result<Option<Self>, Error> {
        Self::walk(Walk { wants_builds: true, ..Walk::new(store)? }, target)
    }

    fn walk(mut walk: Walk<'_>, target: &Target) -> Result<Option<Self>, Error> {
        match target {
            Target::Job(job) => {
                walk.add_whole(job.key)?;
                walk.finish(|graph| Some((Start::Job(job_of(graph, &job.id)?), None)))
            }
            Target::Path(path) => {
                let Some(file) = walk.newest_at(path)? else { return Ok(None) };
                walk.of_file(&file)
            }
            Target::Artifact(artifact) => {
                let Some(file) = walk.met(artifact)? else { return Ok(None) };
                walk.of_file(&file)
            }
        }
    }

    /// Returns the version that it begins at, unless it begins at a job.
    pub fn version(&self) -> Option<VersionIndex> {
        match self.start {
            Start::Version(version) => Some(version),
            Start::Job(_) => None,
        }
    }

    /// Returns the versions that nobody made who is recorded.
    pub fn roots(&self) -> Vec<VersionIndex> {
        let mut roots: Vec<VersionIndex> = self.ancestry.versions.iter().copied().collect();
        roots.extend(self.version());
        roots.retain(|version| self.graph.version(*version).producer.is_none());
        roots
    }
}

fn job_of(graph: &Graph, id: &str) -> Option<JobIndex> {
    graph.indexed_jobs().find(|(_, job)| job.id == id).map(|(index, _)| index)
}

/// Collects the jobs that are needed.
struct Walk<'s> {
    store: &'s Store,
    reader: LineageReader<'s>,
    files: BTreeMap<JobKey, (Vec<SessionFile>, Vec<PathBytes>)>,
    wants_builds: bool,
    open: Vec<JobKey>,
}

impl<'s> Walk<'s> {
    fn new(store: &'s Store) -> Result<Self, Error> {
        Ok(Self {
            store,
            reader: store.lineage_reader()?,
            files: BTreeMap::new(),
            wants_builds: false,
            open: Vec::new(),
        })
    }

    /// Returns the newest file at a path that was written or read there.
    fn newest_at(&mut self, path: &PathBytes) -> Result<Option<SessionFile>, Error> {
        let Some(key) = self.reader.path_key(path)? else { return Ok(None) };
        // The newest is nearly always among the first; what was removed often is further back.
        for limit in [4, usize::MAX] {
            let uses = self.reader.uses(key, limit)?;
            if let Some(file) = uses.into_iter().find(is_content) {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// Returns the newest file with a content: one that a job made, else one that a job read.
    fn met(&mut self, artifact: &Artifact) -> Result<Option<SessionFile>, Error> {
        let uses = self.store.artifact_uses(artifact, usize::MAX)?;
        let uses: Vec<_> = uses.into_iter().filter(|found| !found.is_prior).collect();
        let made = uses.iter().find(|found| found.role == Role::Output);
        let Some(found) = made.or(uses.iter().find(|found| found.role == Role::Input)) else {
            return Ok(None);
        };
        let files = self.reader.files(found.job.key)?;
        Ok(files.into_iter().find(|file| file.path == found.path && file.role == found.role))
    }

    /// Returns what the content comes from that a file has.
    fn of_file(mut self, file: &SessionFile) -> Result<Option<Lineage>, Error> {
        if file.role == Role::Output {
            self.add_whole(file.job)?;
        } else {
            // Only this one of its files matters.
            self.add(file.job, vec![file.clone()], Vec::new())?;
        }
        let id = self.store.job(file.job)?.id;
        self.finish(|graph| {
            let job = graph.job(job_of(graph, &id)?);
            let edges = if file.role == Role::Output { &job.produces } else { &job.consumes };
            let edge = edges.iter().find(|edge| graph.path(edge.path) == file.path.as_bytes())?;
            Some((Start::Version(edge.version), Some(*edge)))
        })
    }

    fn add_whole(&mut self, job: JobKey) -> Result<(), Error> {
        if self.files.contains_key(&job) {
            return Ok(());
        }
        let files = self.reader.files(job)?;
        let links = self.reader.links(job)?;
        self.add(job, files, links)
    }

    fn add(
        &mut self,
        job: JobKey,
        files: Vec<SessionFile>,
        links: Vec<(PathKey, PathBytes)>,
    ) -> Result<(), Error> {
        for (path, _) in &links {
            let writer = self.reader.writer(*path, job)?.filter(|writer| writer.role == Role::Output);
            self.open.extend(writer.map(|writer| writer.job));
        }
        for file in &files {
            if let Some(maker) = self.maker(file)? {
                self.open.push(maker);
            }
        }
        self.files.insert(job, (files, links.into_iter().map(|(_, link)| link).collect()));
        Ok(())
    }

    /// Returns the job that made what this file was before its job began.
    fn maker(&mut self, file: &SessionFile) -> Result<Option<JobKey>, Error> {
        let taken = match (file.role, file.prior) {
            _ if file.is_filtered => return Ok(None),
            (Role::Input, _) => file.artifact,
            (Role::Output, Some(Prior::Kept)) => file.prior_artifact,
            (Role::Output, _) | (Role::Temporary | Role::Deleted, _) => return Ok(None),
        };
        match taken {
            Some(artifact) => self.maker_of(artifact, file),
            None => {
                let writer = self.reader.writer(file.path_key, file.job)?;
                Ok(writer.filter(|writer| writer.role == Role::Output).map(|writer| writer.job))
            }
        }
    }

    /// Returns the job that made a content that was at a file's path, by the rules of the graph.
    fn maker_of(&mut self, artifact: ArtifactKey, file: &SessionFile) -> Result<Option<JobKey>, Error> {
        let SessionFile { path_key: path, job, since_unix_ns: since, .. } = *file;
        if let Some(maker) = self.reader.maker_at(artifact, path, job)? {
            return Ok(Some(maker));
        }
        // What was made there last and not hashed may be this content.
        if self.reader.unhashed_maker(path, job)?.is_some()
            && let Some(writer) = self.reader.writer(path, job)?
            && (writer.role, writer.artifact) == (Role::Output, None)
            && (since.is_none() || span(&self.store.job(writer.job)?).has(since))
        {
            return Ok(Some(writer.job));
        }
        let started_by = Span::latest_start(since);
        let elsewhere = self.reader.maker(artifact, job, started_by)?;
        let meanwhile = match since {
            Some(since) => self.reader.maker_meanwhile(artifact, path, job, started_by, since)?,
            None => None,
        };
        // Where that makes a circle of it, it does not count.
        self.open.extend(elsewhere.filter(|_| meanwhile.is_some()));
        Ok(meanwhile.or(elsewhere))
    }

    fn close(&mut self) -> Result<(), Error> {
        while let Some(job) = self.open.pop() {
            self.add_whole(job)?;
        }
        Ok(())
    }

    /// Adds the jobs that set things up in the session of the newest job, before it; of those that were run again the last.
    fn add_builds(&mut self) -> Result<Vec<String>, Error> {
        let Some(newest) = self.files.keys().next_back().copied() else { return Ok(Vec::new()) };
        let session = self.store.job(newest)?.session;
        let jobs = self.store.jobs_of_session(session, usize::MAX)?;
        let builds = jobs.into_iter().filter(|job| job.kind == JobKind::Build && job.key < newest);
        let mut seen = BTreeSet::new();
        let mut ids = Vec::new();
        for job in builds {
            let command: Vec<Vec<u8>> = job.command.iter().map(|word| word.0.clone()).collect();
            if seen.insert((command, job.cwd.0.clone())) {
                self.add_whole(job.key)?;
                ids.push(job.id);
            }
        }
        self.close()?;
        Ok(ids)
    }

    fn finish(
        mut self,
        start: impl FnOnce(&Graph) -> Option<(Start, Option<Edge>)>,
    ) -> Result<Option<Lineage>, Error> {
        self.close()?;
        let builds = if self.wants_builds { self.add_builds()? } else { Vec::new() };
        let mut jobs = Vec::with_capacity(self.files.len());
        let mut records: Vec<JobRecord> = Vec::with_capacity(self.files.len());
        for (key, (files, links)) in self.files {
            let job = self.store.job(key)?;
            records.push(record_of(&job, files, links));
            jobs.push(job);
        }
        let graph = Graph::from_records(&records);
        let Some((start, file)) = start(&graph) else { return Ok(None) };
        let ancestry = match start {
            Start::Job(job) => graph.ancestry_of_job(job),
            Start::Version(version) => graph.ancestry(version),
        };
        let builds = builds.iter().filter_map(|id| job_of(&graph, id)).collect();
        Ok(Some(Lineage { graph, jobs, start, file, ancestry, builds }))
    }
}

fn is_content(file: &SessionFile) -> bool {
    matches!(file.role, Role::Output | Role::Input)
}
