//! From records to the graph.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{ContentIndex, Edge, Evidence, Graph, Job, JobIndex, PathIndex, Version, VersionIndex};
use crate::record::{JobRecord, Legend, NumberedUse, Numbering, Use};

impl Graph {
    /// Returns the graph of jobs, which are given in the order in which they were recorded.
    pub fn from_records(records: &[JobRecord]) -> Self {
        let mut numbering = Numbering::default();
        let mut builder = Builder::default();
        for JobRecord { id, step, command, cwd, span, files } in records {
            let files: Vec<NumberedUse> = files.iter().map(|file| numbering.file(file)).collect();
            builder.nothing = numbering.nothing;
            builder.add(Job::new(id.clone(), *step, command.clone(), cwd.clone(), *span), &files);
        }
        builder.finish(numbering.legend)
    }
}

/// Makes a graph of numbers alone. What they stand for may be looked up meanwhile.
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
    /// The newest version that a job made, or that was found, at each path.
    at_path: Vec<Option<VersionIndex>>,
    /// The newest of the versions with a content that were the newest at a path before.
    was_at_path: FxHashMap<(PathIndex, ContentIndex), VersionIndex>,
    /// Which names beside their first versions have been given.
    names: FxHashSet<(VersionIndex, PathIndex)>,
    /// The newest version of each content.
    with_content: Vec<Option<VersionIndex>>,
    /// For each version the one of the same content that was the newest before.
    earlier: Vec<Option<VersionIndex>>,
    /// Versions that jobs found and that nobody has made yet: when they had last been changed.
    found: FxHashMap<VersionIndex, i64>,
    /// The content that has no bytes, which says nothing of where it comes from.
    nothing: Option<ContentIndex>,
}

impl Builder {
    /// Returns one for so many paths and contents; there may be more. `nothing` is the content that has no bytes.
    pub fn with_capacity(paths: usize, contents: usize, nothing: Option<ContentIndex>) -> Self {
        let mut builder = Self { nothing, ..Self::default() };
        builder.graph.versions.reserve(contents);
        builder.at_path = vec![None; paths];
        builder.with_content = vec![None; contents];
        builder
    }

    /// Adds a job that has no edges yet, recorded after all others, with its files.
    pub fn add(&mut self, mut job: Job, files: &[NumberedUse]) {
        let index = JobIndex::new(self.graph.jobs.len());
        let consumed = files.iter().filter(|file| matches!(file.usage, Use::Consumed(_))).count();
        job.consumes.reserve_exact(consumed);
        job.produces.reserve_exact(files.len() - consumed);
        // All that it consumed is from before all that it produced.
        let mut priors = FxHashMap::default();
        for NumberedUse { path, usage, since_unix_ns: since } in files {
            match *usage {
                Use::Consumed(content) => {
                    let (version, evidence) = self.find(*path, content, *since);
                    job.consumes.push(Edge { version, path: *path, evidence });
                }
                Use::Updated { before, .. } => {
                    priors.insert(*path, self.find(*path, before, *since).0);
                }
                Use::Produced(_) | Use::Deleted => {}
            }
        }
        let mut made = FxHashMap::default();
        self.graph.jobs.push(job);
        for NumberedUse { path, usage, since_unix_ns: _ } in files {
            match *usage {
                Use::Consumed(_) => {}
                Use::Deleted => {
                    self.put_at(*path, None);
                    self.graph.jobs[index.index()].deletes.push(*path);
                }
                Use::Produced(content) | Use::Updated { after: content, .. } => {
                    let prior = priors.get(path).copied();
                    let version = self.make(index, *path, content, prior, &mut made);
                    let edge = Edge { version, path: *path, evidence: Evidence::Content };
                    self.graph.jobs[index.index()].produces.push(edge);
                }
            }
        }
    }

    /// Returns the graph, with what its numbers stand for.
    pub fn finish(self, legend: Legend) -> Graph {
        Graph { legend, ..self.graph }
    }

    /// Returns the version that a job found there; one that nobody made where there is none.
    fn find(
        &mut self,
        path: PathIndex,
        content: Option<ContentIndex>,
        since: Option<i64>,
    ) -> (VersionIndex, Evidence) {
        let newest = self.at_path.get(path.index()).copied().flatten();
        let Some(content) = content else {
            // Not hashed: the newest one there, whatever its content.
            let version = newest.unwrap_or_else(|| self.add_version(None, None, path, None));
            return (version, Evidence::Path);
        };
        let by_content = newest
            .filter(|newest| self.graph.version(*newest).content == Some(content))
            .or_else(|| self.was_at_path.get(&(path, content)).copied());
        if let Some(version) = by_content {
            return (version, Evidence::Content);
        }
        // Made there and not hashed then: it may be this content.
        let unhashed = newest.filter(|newest| self.graph.version(*newest).content.is_none());
        if let Some(version) = unhashed {
            return (version, Evidence::Path);
        }
        // Made elsewhere, and brought here by somebody who was not observed.
        if let Some(version) = self.elsewhere(content, since).filter(|_| self.nothing != Some(content)) {
            self.name(version, path);
            return (version, Evidence::Content);
        }
        let version = self.add_version(Some(content), None, path, None);
        self.found.extend(since.map(|since| (version, since)));
        (version, Evidence::Content)
    }

    /// Returns the newest version of a content that may have been brought to where it had last been changed at that time: one that a job
    /// made, else one that jobs found.
    fn elsewhere(&self, content: ContentIndex, since: Option<i64>) -> Option<VersionIndex> {
        let newest = self.with_content.get(content.index()).copied().flatten();
        let mut found = None;
        let mut next = newest;
        while let Some(version) = next {
            match self.graph.version(version).producer {
                Some(maker) if self.graph.job(maker).span.may_have_led_to(since) => return Some(version),
                Some(_) => {}
                None => found = found.or(next),
            }
            next = self.earlier[version.index()];
        }
        found
    }

    /// Returns the version at a path that the job has made while another read it, which was recorded first: one that nobody made so far,
    /// that has this content, and that was changed while the job ran.
    fn read_meanwhile(&self, job: JobIndex, path: PathIndex, content: ContentIndex) -> Option<VersionIndex> {
        let newest = self.at_path.get(path.index()).copied().flatten()?;
        let Version { content: there, producer: None, .. } = *self.graph.version(newest) else { return None };
        let since = self.found.get(&newest).copied();
        let is_its_own = there == Some(content) && self.graph.job(job).span.has(since);
        // Who reads and writes by turns with others comes from them, and they from it: there is no cycle.
        (is_its_own && !self.graph.ancestry_of_job(job).versions.contains(&newest)).then_some(newest)
    }

    /// Returns the version that the job made there: one for each content, under all its names.
    fn make(
        &mut self,
        job: JobIndex,
        path: PathIndex,
        content: Option<ContentIndex>,
        prior: Option<VersionIndex>,
        made: &mut FxHashMap<ContentIndex, VersionIndex>,
    ) -> VersionIndex {
        let Some(content) = content else {
            return self.add_version(None, Some(job), path, prior);
        };
        match made.get(&content).copied() {
            Some(version) => {
                self.name(version, path);
                let version_prior = &mut self.graph.versions[version.index()].prior;
                *version_prior = version_prior.or(prior);
                version
            }
            None => {
                let version = match self.read_meanwhile(job, path, content).filter(|_| prior.is_none()) {
                    Some(version) => {
                        self.graph.versions[version.index()].producer = Some(job);
                        version
                    }
                    None => self.add_version(Some(content), Some(job), path, prior),
                };
                made.insert(content, version);
                version
            }
        }
    }

    fn add_version(
        &mut self,
        content: Option<ContentIndex>,
        producer: Option<JobIndex>,
        path: PathIndex,
        prior: Option<VersionIndex>,
    ) -> VersionIndex {
        let version = VersionIndex::new(self.graph.versions.len());
        self.graph.versions.push(Version { content, producer, superseded_producer: None, prior, path });
        let newest = content.map(|content| slot(&mut self.with_content, content.index()));
        self.earlier.push(newest.and_then(|newest| newest.replace(version)));
        self.name(version, path);
        version
    }

    /// Says that the version is the newest at that path.
    fn name(&mut self, version: VersionIndex, path: PathIndex) {
        let first = self.graph.version(version).path;
        if path != first && self.names.insert((version, path)) {
            self.graph.other_names.entry(version).or_default().push(path);
        }
        self.put_at(path, Some(version));
    }

    /// Puts a version, or nothing, in place of the one that was the newest at a path.
    fn put_at(&mut self, path: PathIndex, version: Option<VersionIndex>) {
        let before = std::mem::replace(slot(&mut self.at_path, path.index()), version);
        if let Some(before) = before
            && let Some(content) = self.graph.version(before).content
        {
            self.was_at_path.insert((path, content), before);
        }
    }
}

/// Returns the place with that number, which is made where it is not there yet.
fn slot<T: Clone>(list: &mut Vec<Option<T>>, number: usize) -> &mut Option<T> {
    if number >= list.len() {
        list.resize(number + 1, None);
    }
    &mut list[number]
}

#[cfg(test)]
mod tests;
