//! Jobs, versions and the edges between them.

use rustc_hash::FxHashMap;

use crate::record::{ContentRef, Legend, Span};

macro_rules! indices {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// Returns the one for a place.
            pub fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("a session has fewer than four thousand million of anything"))
            }

            /// Returns its place in the graph's list.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

indices! {
    /// Place of a job in [`Graph::jobs`].
    JobIndex,
    /// Place of a version in [`Graph::versions`].
    VersionIndex,
    /// Number of a path; see [`Graph::path`].
    PathIndex,
    /// Number of a content; see [`Graph::content`].
    ContentIndex,
}

/// Jobs and versions of artifacts. Edges go from a version to the jobs that consume it, and from a job to the versions
/// that it produces; there is no cycle.
///
/// An artifact is a content, and contents come back: `cp a b` consumes and produces the same bytes, and a later job may
/// restore what an earlier one changed. Hence the nodes are **versions**: a content as one job made it (or as it was there
/// before all jobs), under however many names. A job consumes versions that others made, and makes its own. Nearly always those
/// are earlier ones; one that ran at the same time may have been recorded later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The jobs, in the order of their steps.
    pub jobs: Vec<Job>,
    /// The versions, in the order in which they came up.
    pub versions: Vec<Version>,
    /// The names of versions beside their first, of those that have some.
    pub(crate) other_names: FxHashMap<VersionIndex, Vec<PathIndex>>,
    pub(crate) legend: Legend,
}

/// A job with its edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Its number within the session.
    pub step: u64,
    /// The command as given.
    pub command: Vec<Vec<u8>>,
    /// Where it was started.
    pub cwd: Vec<u8>,
    /// When it ran.
    pub span: Span,
    /// The job that it was to run again.
    pub rerun_of: Option<String>,
    /// What it consumed.
    pub consumes: Vec<Edge>,
    /// What it produced.
    pub produces: Vec<Edge>,
    /// What it deleted.
    pub deletes: Vec<PathIndex>,
    /// Earlier steps of the same command in the same directory, which this one stands for.
    pub supersedes: Vec<u64>,
}

impl Job {
    /// Returns a job without edges.
    pub fn new(id: String, step: u64, command: Vec<Vec<u8>>, cwd: Vec<u8>, span: Span) -> Self {
        Self { id, step, command, cwd, span, ..Self::default() }
    }
}

impl Job {
    /// Returns the paths at which it has made something, or removed what was there.
    pub fn writes(&self) -> impl Iterator<Item = PathIndex> {
        self.produces.iter().map(|made| made.path).chain(self.deletes.iter().copied())
    }
}

/// An edge between a job and a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The version.
    pub version: VersionIndex,
    /// The name by which the job had it.
    pub path: PathIndex,
    /// How it is known that it was this version.
    pub evidence: Evidence,
}

/// How an edge is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The hashes are equal, or the job itself made the version.
    Content,
    /// It was the newest version at that path, and one of the two has no hash.
    Path,
}

/// A content as one job made it, or as it was there before all jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The content; `None`: not hashed, and a version of its own.
    pub content: Option<ContentIndex>,
    /// Who made it; `None`: nobody in this graph.
    pub producer: Option<JobIndex>,
    /// The step that made it, where that is superseded and hence not in this graph.
    pub superseded_producer: Option<u64>,
    /// The version that it is an update of.
    pub prior: Option<VersionIndex>,
    /// Its first name; see [`Graph::names`] for all.
    pub path: PathIndex,
}

impl Graph {
    /// Returns a job.
    pub fn job(&self, index: JobIndex) -> &Job {
        &self.jobs[index.index()]
    }

    /// Returns a version.
    pub fn version(&self, index: VersionIndex) -> &Version {
        &self.versions[index.index()]
    }

    /// Returns a path.
    pub fn path(&self, index: PathIndex) -> &[u8] {
        self.legend.path(index)
    }

    /// Returns how many paths there are.
    pub(crate) fn paths_len(&self) -> usize {
        self.legend.paths_len()
    }

    /// Returns the content of a version, where it was hashed.
    pub fn content(&self, index: VersionIndex) -> Option<ContentRef<'_>> {
        Some(self.legend.content(self.version(index).content?))
    }

    /// Returns the names of a version, in the order in which it was given them.
    pub fn names(&self, index: VersionIndex) -> impl Iterator<Item = PathIndex> {
        let others = self.other_names.get(&index).into_iter().flatten();
        [self.version(index).path].into_iter().chain(others.copied())
    }

    /// Returns what a product is an update of: a content that stands under several names need not have been updated under each.
    pub fn prior(&self, made: &Edge) -> Option<VersionIndex> {
        self.version(made.version).prior.filter(|prior| self.names(*prior).any(|name| name == made.path))
    }

    /// Returns the jobs with their places.
    pub fn indexed_jobs(&self) -> impl DoubleEndedIterator<Item = (JobIndex, &Job)> {
        self.jobs.iter().enumerate().map(|(index, job)| (JobIndex::new(index), job))
    }

    /// Returns the versions with their places.
    pub fn indexed_versions(&self) -> impl Iterator<Item = (VersionIndex, &Version)> {
        self.versions.iter().enumerate().map(|(index, version)| (VersionIndex::new(index), version))
    }

    /// Returns whether two versions have the same content, as far as that is known.
    pub(crate) fn is_same_content(&self, one: VersionIndex, other: VersionIndex) -> bool {
        one == other || {
            let content = self.version(one).content;
            content.is_some() && content == self.version(other).content
        }
    }
}
