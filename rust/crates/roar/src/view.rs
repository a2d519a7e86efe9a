//! Jobs as lists show them: the same for tables and for JSON.

use roar_store::{EnvUse, GitState, Job, JobContext, JobKind, JobState, Package, Patch, Stream};
use serde::{Serialize, Serializer};
use tracer_schema::{Exit, PathBytes};

use crate::{phrase, quote};

/// Digits of a job's id that lists show: the time to a millisecond, which no two jobs of a person share.
const ID_DIGITS: usize = 13;

/// Digits of a hash that lists show.
const HASH_DIGITS: usize = 12;

/// A job in a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JobView {
    pub(crate) id: String,
    pub(crate) step: u64,
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    pub(crate) command: Vec<PathBytes>,
    pub(crate) cwd: PathBytes,
    pub(crate) backend: String,
    #[serde(rename = "started_at", serialize_with = "rfc3339")]
    started_unix_ns: i64,
    pub(crate) duration_ns: u64,
    pub(crate) exit: Option<Exit>,
    pub(crate) complete: bool,
    pub(crate) events_lost: u64,
    pub(crate) inputs: u64,
    pub(crate) outputs: u64,
    pub(crate) temporary: u64,
    pub(crate) deleted: u64,
    pub(crate) filtered: u64,
}

fn rfc3339<S: Serializer>(unix_ns: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&roar_store::rfc3339(*unix_ns))
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        Self::from(job.clone())
    }
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            step: job.step,
            kind: job.kind.name(),
            state: job.state.name(),
            command: job.command,
            cwd: job.cwd,
            backend: job.backend,
            started_unix_ns: job.started_unix_ns,
            duration_ns: job.duration_ns,
            exit: job.exit,
            complete: job.is_complete,
            events_lost: job.events_lost,
            inputs: job.counts.inputs,
            outputs: job.counts.outputs,
            temporary: job.counts.temporaries,
            deleted: job.counts.deletions,
            filtered: job.counts.filtered,
        }
    }
}

impl JobView {
    /// See [`marks`].
    pub(crate) fn marks(&self) -> String {
        marks(self.kind, self.state, self.complete)
    }

    /// Returns when it began, where the user is.
    pub(crate) fn started(&self) -> String {
        phrase::time(self.started_unix_ns)
    }

    /// Returns the command as a shell would take it.
    pub(crate) fn command_line(&self) -> String {
        command_line(&self.command)
    }
}

/// Returns the words that say what is not as usual: a set-up job, one that was broken off, one not wholly seen. Kind and state
/// are named.
pub(crate) fn marks(kind: &str, state: &str, is_complete: bool) -> String {
    let marks = [
        (kind == JobKind::Build.name(), "build"),
        (state == JobState::Interrupted.name(), "interrupted"),
        (!is_complete, "partial"),
    ];
    let marks = marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark));
    marks.collect::<Vec<_>>().join(" ")
}

/// Returns a command as a shell would take it.
pub(crate) fn command_line(command: &[PathBytes]) -> String {
    quote::command(command.iter().map(PathBytes::as_bytes))
}

/// Returns as much of a job's id as tells it from others.
pub(crate) fn short_id(id: &str) -> &str {
    id.get(..ID_DIGITS).unwrap_or(id)
}

/// Returns as much of a hash as tells it from others; of what names the content of an object, as much of the ETag, with that word.
pub(crate) fn short_hash(hash: &str) -> &str {
    let Some((word, rest)) = hash.split_once(' ') else {
        return hash.get(..HASH_DIGITS).unwrap_or(hash);
    };
    let etag = rest.split_once(' ').map_or(rest, |(etag, _)| etag);
    let digits = HASH_DIGITS.min(etag.len());
    hash.get(..word.len() + 1 + digits).unwrap_or(hash)
}

/// What surrounds a job, for JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ContextView {
    labels: std::collections::BTreeMap<String, String>,
    git: Option<GitView>,
    patch: Option<PatchView>,
    streams: Vec<StreamView>,
    packages: Vec<PackageView>,
    environment: Vec<EnvView>,
}

#[derive(Debug, Serialize)]
struct GitView {
    top_level: PathBytes,
    commit: Option<String>,
    branch: Option<String>,
    remote: Option<String>,
    dirty: Option<bool>,
    changed_paths: Vec<PathBytes>,
}

/// The changes that were not committed; the text is what `roar reproduce` applies.
#[derive(Debug, Serialize)]
struct PatchView {
    bytes: Option<u64>,
    left_out: Option<String>,
}

#[derive(Debug, Serialize)]
struct StreamView {
    fd: u8,
    kind: &'static str,
    path: Option<PathBytes>,
    append: bool,
}

#[derive(Debug, Serialize)]
struct PackageView {
    kind: &'static str,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    arch: String,
}

/// A variable that a job was given.
#[derive(Debug, Serialize)]
pub(crate) struct EnvView {
    name: PathBytes,
    value: Option<PathBytes>,
    redacted: bool,
}

impl From<EnvUse> for EnvView {
    fn from(EnvUse { name, value, is_redacted: redacted }: EnvUse) -> Self {
        Self { name, value, redacted }
    }
}

impl From<JobContext> for ContextView {
    fn from(context: JobContext) -> Self {
        let JobContext { labels, git, patch, streams, packages, env } = context;
        let git = git.map(|git| {
            let GitState { top_level, commit, branch, remote, is_dirty: dirty, changed_paths } = git;
            GitView { top_level, commit, branch, remote, dirty, changed_paths }
        });
        let stream =
            |Stream { fd, kind, path, is_append: append }| StreamView { fd, kind: kind.name(), path, append };
        let package = |package| {
            let Package { kind, name, version, arch } = package;
            PackageView { kind: kind.name(), name, version, arch }
        };
        Self {
            labels: labels.into_iter().collect(),
            git,
            patch: patch.map(|patch| match patch {
                Patch::Kept(text) => PatchView { bytes: Some(text.len() as u64), left_out: None },
                Patch::Left(reason) => PatchView { bytes: None, left_out: Some(reason) },
            }),
            streams: streams.into_iter().map(stream).collect(),
            packages: packages.into_iter().map(package).collect(),
            environment: env.into_iter().map(EnvView::from).collect(),
        }
    }
}
