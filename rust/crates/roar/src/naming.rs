//! How jobs and contents are named in text and in JSON.

use std::fmt;

use roar_dag::{ContentRef, Edge, Evidence, Graph, VersionIndex};
use roar_store::{Job, SessionKey, Store};
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::error::CliError;
use crate::view::{short_hash, short_id};

/// The name of a job: in text its step, or where that is one of an earlier session the first digits of its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct JobName {
    /// Its number within the open session; absent for a job of another.
    pub(crate) step: Option<u64>,
    pub(crate) id: String,
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "@{step}"),
            None => f.write_str(short_id(&self.id)),
        }
    }
}

/// Names jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    open: Option<SessionKey>,
}

impl Names {
    pub(crate) fn new(store: &Store) -> Result<Self, CliError> {
        Ok(Self { open: store.session()?.map(|session| session.key) })
    }

    pub(crate) fn of(self, job: &Job) -> JobName {
        JobName { step: (self.open == Some(job.session)).then_some(job.step), id: job.id.clone() }
    }
}

/// A content as one job made it, or as it was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VersionView {
    /// Absent: not hashed.
    pub(crate) hash: Option<String>,
    /// Of an object of an object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    pub(crate) kind: &'static str,
    /// Who made it; absent: nobody who is recorded.
    pub(crate) made_by: Option<JobName>,
    /// Hash of the version that it is an update of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prior: Option<String>,
}

impl VersionView {
    /// Returns what tells it from others, short.
    pub(crate) fn mark(&self) -> String {
        mark(self.hash.as_deref(), self.etag.as_deref())
    }
}

/// Returns what tells a content from others, short: its hash, or what an object store has in place of one.
pub(crate) fn mark(hash: Option<&str>, etag: Option<&str>) -> String {
    match (hash, etag) {
        (Some(hash), _) => short_hash(hash).to_owned(),
        (None, Some(etag)) => format!("ETag {}", short_hash(etag)),
        (None, None) => "not hashed".to_owned(),
    }
}

/// A file of a job.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FileView {
    pub(crate) path: PathBytes,
    #[serde(flatten)]
    pub(crate) version: VersionView,
    /// `content`: the hashes are equal. `path`: one of the two has none, and it was the newest there.
    pub(crate) evidence: &'static str,
}

/// Views of what is in a graph, whose jobs are those, in this order.
#[derive(Clone, Copy)]
pub(crate) struct Views<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) jobs: &'a [Job],
    pub(crate) names: Names,
}

impl Views<'_> {
    pub(crate) fn version(&self, index: VersionIndex) -> VersionView {
        let version = self.graph.version(index);
        let hash_of = |version| Some(self.graph.content(version)?.as_hash()?.to_owned());
        let etag = self.graph.content(index).and_then(ContentRef::as_etag);
        VersionView {
            hash: hash_of(index),
            etag: etag.map(str::to_owned),
            kind: kind_name(self.graph.content(index)),
            made_by: version.producer.map(|job| self.names.of(&self.jobs[job.index()])),
            prior: version.prior.and_then(hash_of),
        }
    }

    pub(crate) fn file(&self, edge: &Edge) -> FileView {
        FileView {
            path: self.graph.path(edge.path).into(),
            version: self.version(edge.version),
            evidence: match edge.evidence {
                Evidence::Content => "content",
                Evidence::Path => "path",
            },
        }
    }
}

/// Returns the name of what a content is of.
pub(crate) fn kind_name(content: Option<ContentRef<'_>>) -> &'static str {
    match content {
        Some(content) if content.is_object() => "object",
        Some(content) if content.is_link => "symlink",
        Some(_) | None => "file",
    }
}
