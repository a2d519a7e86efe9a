//! The nouns of the store: what is written of a job, and what is read back.

use tracer_schema::{Coverage, Exit, PathBytes, Pid, ProcessRecord, TracerReport, TracerStats};

use crate::row::list_items;

/// Row of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub i64);

/// Row of a job; ascending in the order of recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey(pub i64);

/// Row of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathKey(pub i64);

/// Row of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactKey(pub i64);

/// What a job is to `reproduce`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// A step.
    #[default]
    Run,
    /// Set-up, replayed before the steps.
    Build,
}

impl JobKind {
    /// Returns the name used in the store and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Build => "build",
        }
    }
}

/// How far the recording of a job came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// To its end.
    Recorded,
    /// It was broken off, or goes on now: its files are not all there.
    Interrupted,
}

impl JobState {
    /// Returns the name used in the store and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Interrupted => "interrupted",
        }
    }
}

/// State of the git repository around a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitState {
    /// Top level of the working tree.
    pub top_level: PathBytes,
    /// Commit that was checked out; `None` before the first one.
    pub commit: Option<String>,
    /// Branch; `None` where HEAD is detached.
    pub branch: Option<String>,
    /// URL of the remote that the branch follows, or of `origin`.
    pub remote: Option<String>,
    /// Whether files differed from the commit; `None` where git could not say.
    pub is_dirty: Option<bool>,
    /// Those files, relative to the top level.
    pub changed_paths: Vec<PathBytes>,
}

/// Who installed a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackageKind {
    /// dpkg.
    Debian,
    /// pip and its like.
    Python,
}

impl PackageKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Debian, Self::Python];

    /// Returns the name used in the store and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Python => "python",
        }
    }
}

/// An installed package that a job used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Package {
    /// Who installed it.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Version, as the package manager writes it.
    pub version: String,
    /// Architecture; empty where the kind has none.
    pub arch: String,
}

/// An environment variable that a job read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvUse {
    /// Name.
    pub name: PathBytes,
    /// Value, where it is kept.
    pub value: Option<PathBytes>,
    /// Whether the value was left out because it may be a secret.
    pub is_redacted: bool,
}

/// What a standard stream of a command was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// A regular file.
    File,
    /// `/dev/null`.
    Null,
    /// A pipe, a FIFO or a socket.
    Pipe,
    /// A terminal.
    Terminal,
    /// Something else, or closed.
    Other,
}

impl StreamKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::File, Self::Null, Self::Pipe, Self::Terminal, Self::Other];

    /// Returns the name used in the store and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Null => "null",
            Self::Pipe => "pipe",
            Self::Terminal => "terminal",
            Self::Other => "other",
        }
    }
}

/// A standard stream of a command, as its caller opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// 0, 1 or 2.
    pub fd: u8,
    /// What it was.
    pub kind: StreamKind,
    /// Where it is; of a file.
    pub path: Option<PathBytes>,
    /// Whether what is written to it is appended.
    pub is_append: bool,
}

/// The changes that were not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// As `git diff --binary HEAD` writes them.
    Kept(Vec<u8>),
    /// They are not kept, and why.
    Left(String),
}

/// What surrounds a job and is not seen by a tracer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobContext {
    /// The user's labels; a later one of the same key wins.
    pub labels: Vec<(String, String)>,
    /// State of the git repository before the command.
    pub git: Option<GitState>,
    /// The changes that were not committed; `None` where there were none, or nobody asked. Only where `git` is.
    pub patch: Option<Patch>,
    /// The standard streams, as far as they are known.
    pub streams: Vec<Stream>,
    /// Packages that the job's files belong to.
    pub packages: Vec<Package>,
    /// Environment that the job read.
    pub env: Vec<EnvUse>,
}

/// A job to be recorded: all but its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What it is to `reproduce`.
    pub kind: JobKind,
    /// The command as given.
    pub command: Vec<PathBytes>,
    /// Where it was started.
    pub cwd: PathBytes,
    /// `ebpf`, `preload` or `ptrace`.
    pub backend: String,
    /// Its process.
    pub root_pid: Pid,
    /// Wall clock at the start, nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Nanoseconds.
    pub duration_ns: u64,
    /// How it ended; `None` if that is not known.
    pub exit: Option<Exit>,
    /// How much was seen.
    pub coverage: Coverage,
    /// The processes, in the order of their start.
    pub processes: Vec<ProcessRecord>,
    /// The tracer's own figures.
    pub tracer: TracerStats,
    /// Algorithms that its files are hashed by.
    pub hash_algorithms: Vec<String>,
    /// What surrounds it.
    pub context: JobContext,
    /// The id of the job that it was to run again.
    pub rerun_of: Option<String>,
    /// The time that files were given when it began, nanoseconds since 1970; `None`: not known.
    pub began_unix_ns: Option<i64>,
}

impl NewJob {
    /// Returns the job that a tracer's report speaks of, with what `roar` adds.
    pub fn from_report(
        report: &TracerReport,
        kind: JobKind,
        hash_algorithms: Vec<String>,
        context: JobContext,
    ) -> Self {
        Self {
            kind,
            command: report.command.clone(),
            cwd: report.cwd.clone(),
            backend: report.backend.clone(),
            root_pid: report.root_pid,
            started_unix_ns: report.started_unix_ns,
            duration_ns: report.duration_ns,
            exit: report.exit,
            coverage: report.coverage.clone(),
            processes: report.processes.clone(),
            tracer: report.tracer.clone(),
            hash_algorithms,
            context,
            rerun_of: None,
            began_unix_ns: None,
        }
    }
}

/// How many files a job has, by role; filtered ones are in `filtered` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Inputs.
    pub inputs: u64,
    /// Outputs.
    pub outputs: u64,
    /// Temporary files.
    pub temporaries: u64,
    /// Files that were there before and are gone.
    pub deletions: u64,
    /// Files of any role that lists leave out.
    pub filtered: u64,
}

/// What recording a job gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedJob {
    /// Its row.
    pub key: JobKey,
    /// Its id: a UUID, version 7.
    pub id: String,
    /// Its number within the session, for `@N`.
    pub step: u64,
    /// Its files.
    pub counts: FileCounts,
}

/// A job as lists show it: all but processes, files, packages and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its row.
    pub key: JobKey,
    /// Its id: a UUID, version 7.
    pub id: String,
    /// Its session.
    pub session: SessionKey,
    /// Its number within the session.
    pub step: u64,
    /// What it is to `reproduce`.
    pub kind: JobKind,
    /// How far its recording came.
    pub state: JobState,
    /// The command as given.
    pub command: Vec<PathBytes>,
    /// Where it was started.
    pub cwd: PathBytes,
    /// `ebpf`, `preload` or `ptrace`.
    pub backend: String,
    /// How the backend traced, where there is a choice.
    pub tracer_mode: String,
    /// Its process.
    pub root_pid: Pid,
    /// Wall clock at the start, nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Nanoseconds.
    pub duration_ns: u64,
    /// How it ended; `None` if that is not known.
    pub exit: Option<Exit>,
    /// Whether everything was seen.
    pub is_complete: bool,
    /// Events known to be lost.
    pub events_lost: u64,
    /// Its files.
    pub counts: FileCounts,
    /// The id of the job that it was to run again; that may have been dropped.
    pub rerun_of: Option<String>,
    /// The time that files were given when it began, nanoseconds since 1970: by the kernel's tick, which the wall clock is ahead of. `None`: not known.
    pub began_unix_ns: Option<i64>,
}

/// What a list of many jobs shows of one, where it stands in the database: nothing is copied for it.
#[derive(Clone, Copy, Debug)]
pub struct JobLine<'r> {
    /// See [`Job::id`].
    pub id: &'r str,
    /// See [`Job::session`].
    pub session: SessionKey,
    /// See [`Job::step`].
    pub step: u64,
    /// See [`Job::kind`].
    pub kind: JobKind,
    /// See [`Job::state`].
    pub state: JobState,
    /// See [`Job::started_unix_ns`].
    pub started_unix_ns: i64,
    /// See [`Job::duration_ns`].
    pub duration_ns: u64,
    /// See [`Job::exit`].
    pub exit: Option<Exit>,
    /// See [`Job::is_complete`].
    pub is_complete: bool,
    /// See [`FileCounts::inputs`].
    pub inputs: u64,
    /// See [`FileCounts::outputs`].
    pub outputs: u64,
    /// The words of [`Job::command`], as the row holds them.
    pub(crate) command: &'r [u8],
}

impl<'r> JobLine<'r> {
    /// Returns the words of the command as given.
    pub fn words(&self) -> impl Iterator<Item = &'r [u8]> {
        list_items(self.command)
    }
}

/// A session: numbered steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its row.
    pub key: SessionKey,
    /// Its id: a UUID, version 7.
    pub id: String,
    /// Wall clock at its first job, nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Wall clock at its end; `None` for the one that is open.
    pub ended_unix_ns: Option<i64>,
    /// Number of its jobs.
    pub jobs: u64,
}
