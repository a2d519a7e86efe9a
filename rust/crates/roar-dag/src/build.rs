//! From records to the graph.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Edge, Evidence, Graph, Job, JobIndex, PathIndex, Version, VersionIndex};
use crate::record::{Content, FileUse, JobRecord, Use};

impl Graph {
    /// Returns the graph of jobs, which are given in the order in which they were recorded.
    pub fn from_records(records: &[JobRecord]) -> Self {
        let mut builder = Builder::default();
        for record in records {
            builder.add(record);
        }
        builder.graph
    }
}

#[derive(Default)]
struct Builder {
    graph: Graph,
    paths: FxHashMap<Vec<u8>, PathIndex>,
    /// The newest version that a job made, or that was found, at each path.
    at_path: FxHashMap<PathIndex, VersionIndex>,
    /// What was met at a path with a content: the newest version of those.
    at_path_with: FxHashMap<(PathIndex, Content), VersionIndex>,
    /// Which names each version has been given.
    names: FxHashSet<(VersionIndex, PathIndex)>,
    /// The newest version of each content.
    with_content: FxHashMap<Content, VersionIndex>,
}

impl Builder {
    fn add(&mut self, record: &JobRecord) {
        let JobRecord { id, step, command, cwd, files } = record;
        let index = JobIndex::new(self.graph.jobs.len());
        let (id, command, cwd) = (id.clone(), command.clone(), cwd.clone());
        let mut job = Job {
            id,
            step: *step,
            command,
            cwd,
            consumes: vec![],
            produces: vec![],
            deletes: vec![],
            supersedes: vec![],
        };
        // All that it consumed is from before all that it produced.
        let mut priors = FxHashMap::default();
        for FileUse { path, usage } in files {
            let path = self.path(path);
            match usage {
                Use::Consumed(content) => {
                    let (version, evidence) = self.find(path, content.as_ref());
                    job.consumes.push(Edge { version, path, evidence });
                }
                Use::Updated { before, .. } => {
                    priors.insert(path, self.find(path, before.as_ref()).0);
                }
                Use::Produced(_) | Use::Deleted => {}
            }
        }
        let mut made = FxHashMap::default();
        for FileUse { path, usage } in files {
            let path = self.path(path);
            match usage {
                Use::Consumed(_) => {}
                Use::Deleted => {
                    self.at_path.remove(&path);
                    job.deletes.push(path);
                }
                Use::Produced(content) | Use::Updated { after: content, .. } => {
                    let prior = priors.get(&path).copied();
                    let version = self.make(index, path, content.as_ref(), prior, &mut made);
                    job.produces.push(Edge { version, path, evidence: Evidence::Content });
                }
            }
        }
        self.graph.jobs.push(job);
    }

    fn path(&mut self, path: &[u8]) -> PathIndex {
        match self.paths.get(path) {
            Some(index) => *index,
            None => {
                let index = PathIndex::new(self.graph.paths.len());
                self.graph.paths.push(path.to_owned());
                self.paths.insert(path.to_owned(), index);
                index
            }
        }
    }

    /// Returns the version that a job found there; one that nobody made where there is none.
    fn find(&mut self, path: PathIndex, content: Option<&Content>) -> (VersionIndex, Evidence) {
        let newest = self.at_path.get(&path).copied();
        let Some(content) = content else {
            // Not hashed: the newest one there, whatever its content.
            let version = newest.unwrap_or_else(|| self.add_version(None, None, path, None));
            return (version, Evidence::Path);
        };
        let by_content = newest
            .filter(|newest| self.graph.version(*newest).content.as_ref() == Some(content))
            .or_else(|| self.at_path_with.get(&(path, content.clone())).copied());
        if let Some(version) = by_content {
            return (version, Evidence::Content);
        }
        // Made there and not hashed then: it may be this content.
        let unhashed = newest.filter(|newest| self.graph.version(*newest).content.is_none());
        if let Some(version) = unhashed {
            return (version, Evidence::Path);
        }
        // Made elsewhere, and brought here by somebody who was not observed.
        if let Some(version) = self.with_content.get(content).copied() {
            self.name(version, path);
            return (version, Evidence::Content);
        }
        (self.add_version(Some(content), None, path, None), Evidence::Content)
    }

    /// Returns the version that the job made there: one for each content, under all its names.
    fn make(
        &mut self,
        job: JobIndex,
        path: PathIndex,
        content: Option<&Content>,
        prior: Option<VersionIndex>,
        made: &mut FxHashMap<Content, VersionIndex>,
    ) -> VersionIndex {
        let Some(content) = content else {
            return self.add_version(None, Some(job), path, prior);
        };
        match made.get(content).copied() {
            Some(version) => {
                self.name(version, path);
                let version_prior = &mut self.graph.versions[version.index()].prior;
                *version_prior = version_prior.or(prior);
                version
            }
            None => {
                let version = self.add_version(Some(content), Some(job), path, prior);
                made.insert(content.clone(), version);
                version
            }
        }
    }

    fn add_version(
        &mut self,
        content: Option<&Content>,
        producer: Option<JobIndex>,
        path: PathIndex,
        prior: Option<VersionIndex>,
    ) -> VersionIndex {
        let version = VersionIndex::new(self.graph.versions.len());
        let content = content.cloned();
        self.graph.versions.push(Version {
            content,
            producer,
            superseded_producer: None,
            prior,
            paths: vec![],
        });
        self.name(version, path);
        version
    }

    /// Says that the version is the newest at that path.
    fn name(&mut self, version: VersionIndex, path: PathIndex) {
        if self.names.insert((version, path)) {
            self.graph.versions[version.index()].paths.push(path);
        }
        self.at_path.insert(path, version);
        if let Some(content) = &self.graph.versions[version.index()].content {
            self.at_path_with.insert((path, content.clone()), version);
            self.with_content.insert(content.clone(), version);
        }
    }
}

#[cfg(test)]
mod tests;
