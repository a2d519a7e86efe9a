//! From records to the graph.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{ContentIndex, Edge, Evidence, Graph, Job, JobIndex, PathIndex, Version, VersionIndex};
use crate::record::{JobRecord, Legend, NumberedUse, Numbering, Span, Use};

impl Graph {
    /// Returns the graph of jobs, which are given in the order in which they were recorded.
    pub fn from_records(records: &[JobRecord]) -> Self {
        let mut numbering = Numbering::default();
        let spans = records.iter().map(|record| record.span);
        let mut builder = Builder::with_capacity(spans, 0, 0, None);
        for JobRecord { id, step, command, cwd, span, rerun_of, files } in records {
            let files: Vec<NumberedUse> = files.iter().map(|file| numbering.file(file)).collect();
            builder.nothing = numbering.nothing;
            let job = Job::new(id.clone(), *step, command.clone(), cwd.clone(), *span);
            builder.add(Job { rerun_of: rerun_of.clone(), ..job }, &files);
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
    /// For each job when the first of those started that are added after it, nanoseconds since 1970.
    later_starts: Vec<i64>,
    /// What jobs found that nobody had made there yet, and that one of those may have made.
    found: FxHashMap<(PathIndex, ContentIndex), Vec<Find>>,
    /// The content that has no bytes, which says nothing of where it comes from.
    nothing: Option<ContentIndex>,
}

/// A content that a job found at a path where nobody was known to have made it.
#[derive(Clone, Copy, Debug)]
struct Find {
    job: JobIndex,
    /// The place of its edge.
    edge: usize,
    /// When it had last been changed, nanoseconds since 1970.
    since_unix_ns: i64,
}

impl Builder {
    /// Returns one for jobs of those times, so many paths and contents; there may be more. `nothing` is the content that has no bytes.
    pub fn with_capacity(
        spans: impl DoubleEndedIterator<Item = Span>,
        paths: usize,
        contents: usize,
        nothing: Option<ContentIndex>,
    ) -> Self {
        let mut builder = Self { nothing, later_starts: later_starts(spans), ..Self::default() };
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
                    let (version, evidence, is_from_here) = self.find(*path, content, *since);
                    if let (Some(content), Some(since_unix_ns)) = (content, *since)
                        && !is_from_here
                        && self
                            .later_starts
                            .get(index.index())
                            .is_some_and(|start| *start <= Span::latest_start(*since))
                    {
                        let find = Find { job: index, edge: job.consumes.len(), since_unix_ns };
                        self.found.entry((*path, content)).or_default().push(find);
                    }
                    job.consumes.push(Edge { version, path: *path, evidence });
                }
                Use::Followed => {
                    let newest = self.at_path.get(path.index()).copied().flatten();
                    let made = newest.filter(|newest| self.graph.version(*newest).producer.is_some());
                    let edge = |version| Edge { version, path: *path, evidence: Evidence::Path };
                    job.consumes.extend(made.map(edge));
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
                Use::Consumed(_) | Use::Followed => {}
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

    /// Returns the version that a job found there, and whether it was one from there; one that nobody made where there is none.
    fn find(
        &mut self,
        path: PathIndex,
        content: Option<ContentIndex>,
        since: Option<i64>,
    ) -> (VersionIndex, Evidence, bool) {
        let newest = self.at_path.get(path.index()).copied().flatten();
        // What was changed since it was made there is another one, and so is what was there before.
        let is_that = |newest: &VersionIndex| {
            let producer = self.graph.version(*newest).producer;
            since.is_none() || producer.is_none_or(|maker| self.graph.job(maker).span.has(since))
        };
        let Some(content) = content else {
            // Not hashed: the newest one there, whatever its content.
            let version = newest.filter(is_that);
            let version = version.unwrap_or_else(|| self.add_version(None, None, path, None));
            return (version, Evidence::Path, true);
        };
        let by_content = newest
            .filter(|newest| self.graph.version(*newest).content == Some(content))
            .or_else(|| self.was_at_path.get(&(path, content)).copied());
        if let Some(version) = by_content {
            return (version, Evidence::Content, self.graph.version(version).producer.is_some());
        }
        // Made there and not hashed then: it may be this content.
        let unhashed = newest.filter(|newest| self.graph.version(*newest).content.is_none());
        if let Some(version) = unhashed.filter(is_that) {
            return (version, Evidence::Path, true);
        }
        // Made elsewhere, and brought here by somebody who was not observed.
        if let Some(version) = self.elsewhere(content, since).filter(|_| self.nothing != Some(content)) {
            self.name(version, path);
            return (version, Evidence::Content, false);
        }
        (self.add_version(Some(content), None, path, None), Evidence::Content, false)
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

    /// Takes those who have found at a path what the job has made there meanwhile, and were recorded first: it had this content, and was
    /// changed while the job ran.
    fn readers_meanwhile(&mut self, maker: JobIndex, path: PathIndex, content: ContentIndex) -> Vec<Find> {
        let Some(mut finds) = self.found.remove(&(path, content)) else { return Vec::new() };
        let span = self.graph.job(maker).span;
        // Who reads and writes by turns with others comes from them, and they from it: there is no cycle.
        let before = self.graph.ancestry_of_job(maker).jobs;
        finds.retain(|find| {
            find.job != maker && span.has(Some(find.since_unix_ns)) && !before.contains(&find.job)
        });
        finds
    }

    /// Returns the version that readers found there, if nobody made it: then the job has.
    fn found_by(&self, readers: &[Find], path: PathIndex) -> Option<VersionIndex> {
        let versions = readers.iter().map(|find| self.graph.job(find.job).consumes[find.edge].version);
        let version = versions.clone().next()?;
        let Version { producer, path: first, .. } = self.graph.version(version);
        let is_theirs =
            producer.is_none() && *first == path && !self.graph.other_names.contains_key(&version);
        (is_theirs && versions.clone().all(|other| other == version)).then_some(version)
    }

    /// Gives what the job has made to those who have read it meanwhile.
    fn give(&mut self, version: VersionIndex, readers: &[Find]) {
        for Find { job, edge, .. } in readers {
            self.graph.jobs[job.index()].consumes[*edge].version = version;
        }
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
        let readers = self.readers_meanwhile(job, path, content);
        let version = match made.get(&content).copied() {
            Some(version) => {
                self.name(version, path);
                let version_prior = &mut self.graph.versions[version.index()].prior;
                *version_prior = version_prior.or(prior);
                version
            }
            None => {
                let version = match self.found_by(&readers, path).filter(|_| prior.is_none()) {
                    Some(version) => {
                        self.graph.versions[version.index()].producer = Some(job);
                        self.name(version, path);
                        version
                    }
                    None => self.add_version(Some(content), Some(job), path, prior),
                };
                made.insert(content, version);
                version
            }
        };
        self.give(version, &readers);
        version
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

/// Returns for each job when the first of those after it started.
fn later_starts(spans: impl DoubleEndedIterator<Item = Span>) -> Vec<i64> {
    let mut first = i64::MAX;
    let mut starts = Vec::new();
    for span in spans.rev() {
        starts.push(first);
        first = first.min(span.start_unix_ns);
    }
    starts.reverse();
    starts
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
