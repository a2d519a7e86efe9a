//! A whole run after policy: what a tracer program hands to `roar` ([`TracerReport`], msgpack, once per run), and what
//! `roar` gives to the world ([`RunReport`], JSON, `"format": "roar.report/1"`).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::PathBytes;
use crate::event::{EventKind, FileStamp, Pid};
use crate::hashes::Hashes;

/// Number of the tracers' report format; a reader refuses any other.
pub const TRACER_REPORT_VERSION: u32 = 1;

/// Name of the public report format.
pub const RUN_REPORT_FORMAT: &str = "roar.report/1";

/// What a file was to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Content from before the run was taken from it.
    Input,
    /// Its content or existence was changed, and it exists at the end.
    Output,
    /// Made by the run and gone at its end.
    Temporary,
    /// Existed before, gone at the end.
    Deleted,
}

/// What became of an output's version from before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prior {
    /// Never emptied or replaced: appended to, or overwritten in place.
    Kept,
    /// Emptied, re-created, or renamed or linked over.
    Replaced,
}

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// A regular file.
    #[default]
    File,
    /// A symbolic link; its content is its target text.
    Symlink,
    /// An object of an object store, which no tracer sees.
    Object,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// By itself.
    Code {
        /// Exit code, 0 to 255.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// Number of the signal.
        signal: i32,
        /// Whether a core was dumped.
        core: bool,
    },
}

impl Exit {
    /// Returns how a process with that wait status (wait(2)) ended.
    pub fn from_wait_status(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Code { code: (status >> 8) & 0xff },
            signal => Self::Signal { signal, core: status & 0x80 != 0 },
        }
    }

    /// Returns the status a shell would show: the code, or 128 and the signal.
    pub fn shell_status(self) -> i32 {
        match self {
            Self::Code { code } => code,
            Self::Signal { signal, .. } => 128 + signal,
        }
    }
}

macro_rules! gap_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $text:literal,)+) => {
        /// What kind of thing was not seen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum GapKind { $($(#[doc = $doc])+ $name = $number,)+ }

        impl GapKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the kind of that wire number.
            pub fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// Returns the name used in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

gap_kinds! {
    /// Events were dropped; `detail` says how many and between which times.
    EventsLost = 1 "events_lost",
    /// A program that the backend cannot enter because it is static.
    StaticProgram = 2 "static_program",
    /// A set-user-ID, set-group-ID or capability-bearing program that ran without its privilege or out of sight.
    PrivilegedProgram = 3 "privileged_program",
    /// Activity on an io_uring that could not be decoded.
    IoUring = 4 "io_uring",
    /// A descendant that was still running when the run was over.
    DescendantLeft = 5 "descendant_left",
    /// The tracer ended before the run did.
    TracerDied = 6 "tracer_died",
    /// A file was used whose path could not be found out.
    UnresolvedPath = 7 "unresolved_path",
    /// A seccomp supervisor inside the run answers system calls before the tracer can see them.
    SeccompListener = 8 "seccomp_listener",
    /// A process that could not be followed.
    UntracedProcess = 9 "untraced_process",
    /// A directory that the run had renamed could not be listed at its end.
    UnlistedDirectory = 10 "unlisted_directory",
    /// A system call was made whose meaning the backend does not know.
    UndecodedCall = 11 "undecoded_call",
    /// A program or library that can make system calls of its own, which the backend does not see.
    RawCalls = 12 "raw_calls",
    /// A library of an object store whose functions are not those that are known, or objects that could not be told of.
    UnseenObjects = 13 "unseen_objects",
}

/// One thing that was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What kind of thing.
    pub kind: GapKind,
    /// The process concerned, 0 where none is.
    pub pid: Pid,
    /// The program or file concerned.
    pub path: Option<PathBytes>,
    /// Words for a person: what, why, and what to do.
    pub detail: String,
}

/// How much of the run was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Whether everything was: no gap, nothing lost.
    pub complete: bool,
    /// Events known to be lost.
    pub events_lost: u64,
    /// What was not seen.
    pub gaps: Vec<Gap>,
}

/// A process of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// Its id.
    pub pid: Pid,
    /// Who made it; `None` for the root.
    pub parent: Option<Pid>,
    /// The last program it ran; empty where none was seen.
    pub exe: PathBytes,
    /// The arguments of that program.
    pub argv: Vec<PathBytes>,
    /// Its working directory when that program began.
    pub cwd: PathBytes,
    /// Since the start of the run, nanoseconds.
    pub started_ns: u64,
    /// Since the start of the run, nanoseconds; `None` if it was still running at the end.
    pub ended_ns: Option<u64>,
    /// How it ended; `None` if it was still running at the end.
    pub exit: Option<Exit>,
}

/// What was done to a file: the evidence of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// The call.
    pub kind: EventKind,
    /// The process.
    pub pid: Pid,
    /// Since the start of the run, nanoseconds.
    pub time_ns: u64,
}

impl Serialize for Act {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.kind as u8, self.pid, self.time_ns).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Act {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (number, pid, time_ns) = <(u8, Pid, u64)>::deserialize(deserializer)?;
        let kind = EventKind::from_number(number)
            .ok_or_else(|| D::Error::custom(format_args!("an event of unknown kind {number}")))?;
        Ok(Self { kind, pid, time_ns })
    }
}

/// One file in one role, as the policy sums it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// Where it was: absolute, links in directories resolved.
    pub path: PathBytes,
    /// What it was to the run.
    pub role: Role,
    /// Its content was taken.
    pub read: bool,
    /// Its content or existence was changed.
    pub written: bool,
    /// It was executed.
    pub executed: bool,
    /// The path did not exist before the run, and the run made it.
    pub created: bool,
    /// The path existed before the run or was made by it, and is gone at the end.
    pub deleted: bool,
    /// For an output that existed before: what became of that version.
    pub prior: Option<Prior>,
    /// Kind.
    pub kind: NodeKind,
    /// For an output: the path from before the run that its file was renamed from.
    pub renamed_from: Option<PathBytes>,
    /// Bytes read, `None` where that cannot be counted exactly.
    pub bytes_read: Option<u64>,
    /// Bytes written, `None` where that cannot be counted exactly.
    pub bytes_written: Option<u64>,
    /// The processes that read, wrote or executed it, ascending.
    pub pids: Vec<Pid>,
    /// The file as it was when the run first touched it, if it was there before the run.
    pub before: Option<FileStamp>,
    /// For an input: a path where its content can still be read, if the run has not destroyed it.
    pub content_at: Option<PathBytes>,
    /// Whether the run itself renamed, linked or unlinked a name of the file, which changes `ctime` and nothing else.
    pub moved: bool,
    /// The file at the end of the run, for an output.
    pub after: Option<FileStamp>,
    /// The first act that made it what it was to the run: took its content, or changed it. Absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Act>,
}

/// From the first to the last act of a kind, nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first.
    pub first_ns: u64,
    /// The last that was told; a call that tells nothing new is not.
    pub last_ns: u64,
}

/// What a task did to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFile {
    /// Index in the files of the report.
    pub file: u32,
    /// It may have been another task of the same process: several went on, and the thread was of none.
    pub is_shared: bool,
    /// It took its content.
    pub read: Option<Span>,
    /// It changed its content or existence.
    pub written: Option<Span>,
}

/// A task of a runner (Ray, …) within the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Who told of it, and knows what it is called.
    pub teller: PathBytes,
    /// Its number there.
    pub number: u64,
    /// The process in which it began.
    pub pid: Pid,
    /// Since the start of the run, nanoseconds.
    pub started_ns: u64,
    /// Since the start of the run, nanoseconds; `None` if no end was told.
    pub ended_ns: Option<u64>,
    /// What it did to files.
    pub files: Vec<TaskFile>,
}

/// How a run looked something up that is no file of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupKind {
    /// It asked for a path at which nothing was.
    Absent,
    /// It listed a directory.
    Listing,
}

/// What a run looked up, as the policy sums it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupSummary {
    /// Where: absolute.
    pub path: PathBytes,
    /// How.
    pub kind: LookupKind,
    /// The program that did it first.
    pub program: PathBytes,
}

/// Everything that a run looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupSummaries {
    /// The kinds that the backend sees at all.
    pub kinds: Vec<LookupKind>,
    /// By path and kind.
    pub found: Vec<LookupSummary>,
    /// How many there were beyond a bound.
    pub left_out: u64,
    /// Directories and links may have changed since. No part of a report.
    #[serde(skip)]
    pub is_of_past: bool,
}

impl LookupSummaries {
    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.found.is_empty()
    }

    /// Drops what is only known as long as all is as the run has left it: which names stood in directories that it listed, and where links led.
    pub fn forget_listings(&mut self) {
        self.is_of_past = true;
        self.kinds.retain(|kind| *kind != LookupKind::Listing);
        self.found.retain(|found| found.kind != LookupKind::Listing);
    }
}

/// A backend that `auto` passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FellBack {
    /// Its name.
    pub backend: String,
    /// Why.
    pub reason: String,
}

/// What the tracer says of its own work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracerStats {
    /// Effects told to the policy.
    pub events: u64,
    /// CPU time of the tracer, nanoseconds.
    pub overhead_ns: u64,
    /// Backends tried before.
    pub fell_back_from: Vec<FellBack>,
    /// How it traced, where there is a choice: `seccomp` or `syscall` for ptrace.
    pub mode: String,
}

/// A whole run, as a tracer program hands it to `roar`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracerReport {
    /// [`TRACER_REPORT_VERSION`].
    pub version: u32,
    /// `ebpf`, `preload` or `ptrace`.
    pub backend: String,
    /// The command as given.
    pub command: Vec<PathBytes>,
    /// Where it was started.
    pub cwd: PathBytes,
    /// Its process.
    pub root_pid: Pid,
    /// Wall clock at the start, nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// From the start to the end of the last process waited for, nanoseconds.
    pub duration_ns: u64,
    /// How the command ended; `None` if that is not known.
    pub exit: Option<Exit>,
    /// How much was seen.
    pub coverage: Coverage,
    /// The processes, in the order of their start.
    pub processes: Vec<ProcessRecord>,
    /// The files, by path and role.
    pub files: Vec<FileSummary>,
    /// The tasks, in the order in which they were told. Absent in older reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskRecord>,
    /// What was looked up and is no file of the run. Absent in older reports.
    #[serde(default, skip_serializing_if = "LookupSummaries::is_empty")]
    pub looked_up: LookupSummaries,
    /// The tracer's own figures.
    pub tracer: TracerStats,
}

/// One file in one role, with its hash, as the public report has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// As in [`FileSummary`].
    pub path: PathBytes,
    /// As in [`FileSummary`].
    pub role: Role,
    /// As in [`FileSummary`].
    pub read: bool,
    /// As in [`FileSummary`].
    pub written: bool,
    /// As in [`FileSummary`].
    pub executed: bool,
    /// As in [`FileSummary`].
    pub created: bool,
    /// As in [`FileSummary`].
    pub deleted: bool,
    /// As in [`FileSummary`].
    pub prior: Option<Prior>,
    /// As in [`FileSummary`].
    pub kind: NodeKind,
    /// As in [`FileSummary`].
    pub renamed_from: Option<PathBytes>,
    /// As in [`FileSummary`].
    pub bytes_read: Option<u64>,
    /// As in [`FileSummary`].
    pub bytes_written: Option<u64>,
    /// As in [`FileSummary`].
    pub pids: Vec<Pid>,
    /// Length of the version that the role speaks of: before the run for an input, after it for an output; bytes.
    pub size: Option<u64>,
    /// Hash of that version; `None` where none could be taken.
    pub hash: Option<Hashes>,
    /// For an output that existed before: the hash of the version from before, where it is known.
    pub prior_hash: Option<Hashes>,
    /// Left out of the lists that people see: a system, package, cache or temporary path.
    pub filtered: bool,
    /// Why there is no hash, or why it is not to be trusted: `changed` (an input that somebody changed between its first
    /// read and the end), `unreadable`, `gone`. Absent where all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// As in [`FileSummary`]. Kept in the store, and no part of the report.
    #[serde(skip)]
    pub first: Option<Act>,
    /// When the file that was there before had last been changed (`st_ctime`), nanoseconds since 1970. Kept in the store, and no part of
    /// the report.
    #[serde(skip)]
    pub since_unix_ns: Option<i64>,
}

/// What a file was to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskUse {
    /// Which of the job's files, by its place among them. Kept in the store, and no part of the report.
    #[serde(skip)]
    pub file: u64,
    /// Its path.
    pub path: PathBytes,
    /// Input or output.
    pub role: Role,
    /// It may have been another task of the same process.
    #[serde(rename = "shared")]
    pub is_shared: bool,
    /// Its content changed after the task: the hash that the run's files have for the path is not of what the task saw.
    #[serde(rename = "rewritten")]
    pub is_rewritten: bool,
}

/// A task of a runner within a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// As the runner calls it; empty where it did not live to say.
    pub id: String,
    /// How often it was tried before.
    pub attempt: u32,
    /// The function or method.
    pub name: String,
    /// The actor whose method it was.
    pub actor: Option<String>,
    /// The node on which it ran.
    pub node: Option<String>,
    /// The worker that ran it.
    pub worker: Option<String>,
    /// The process that ran it.
    pub pid: Pid,
    /// Since the start of the run, nanoseconds.
    pub started_ns: u64,
    /// Since the start of the run, nanoseconds; `None` if it never ended.
    pub ended_ns: Option<u64>,
    /// What it read and wrote.
    pub files: Vec<TaskUse>,
}

/// An object of an object store in one role, as the program that used it told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// Where it stands among the job's files. Kept in the store, and no part of the report.
    #[serde(skip)]
    pub file: u64,
    /// `s3://bucket/key`; the key is not encoded.
    pub url: String,
    /// Which server, where it is not the one that everybody means.
    pub endpoint: Option<String>,
    /// What it was to the run.
    pub role: Role,
    /// Which version, where the bucket keeps versions.
    pub version: Option<String>,
    /// The store's own mark of the content; no hash of it.
    pub etag: Option<String>,
    /// Length of the whole object, where it is known; bytes.
    pub size: Option<u64>,
    /// The processes concerned.
    pub pids: Vec<Pid>,
    /// Ids of the tasks concerned.
    pub tasks: Vec<String>,
}

impl ObjectRecord {
    /// Returns its name among paths, which no file has: those are absolute.
    pub fn path(&self) -> PathBytes {
        let name = match &self.endpoint {
            Some(endpoint) => format!("{}?endpoint={endpoint}", self.url),
            None => self.url.clone(),
        };
        PathBytes::from(name.as_str())
    }

    /// Returns what names its content, which is the same wherever this object is met with the same ETag.
    pub fn content(&self) -> Option<String> {
        self.etag.as_ref().map(|etag| format!("ETag {etag} at {}", self.path()))
    }
}

/// What a run looked up that is no file of it: it can have decided what the run did all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// Where.
    pub path: PathBytes,
    /// How.
    #[serde(flatten)]
    pub found: Found,
    /// The program that did it first.
    pub program: PathBytes,
}

/// What a run found where it looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Found {
    /// Nothing.
    Absent,
    /// A directory, which it listed.
    Listing(Listing),
    /// A symbolic link, which led to a file that it took.
    Link {
        /// What the link says.
        target: PathBytes,
    },
}

/// The names in a directory before a run, without those that lists leave out. A directory's name ends in a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Listing {
    /// How many.
    pub count: u64,
    /// The names, sorted; absent where there are more than a report holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<PathBytes>>,
    /// BLAKE3 of the sorted names, a NUL after each.
    pub blake3: String,
}

/// Everything that a run looked up and that people are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookups {
    /// The kinds that the backend sees at all. Of others it is not known whether there were any.
    pub kinds: Vec<LookupKind>,
    /// By path and kind.
    pub found: Vec<Lookup>,
    /// How many there were beyond a bound.
    pub left_out: u64,
}

impl Lookups {
    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.found.is_empty()
    }
}

/// A run, as the world sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// [`RUN_REPORT_FORMAT`].
    pub format: String,
    /// `ebpf`, `preload` or `ptrace`.
    pub backend: String,
    /// The command as given.
    pub command: Vec<PathBytes>,
    /// Where it was started.
    pub cwd: PathBytes,
    /// Its process.
    pub root_pid: Pid,
    /// RFC 3339, UTC, nanoseconds.
    pub started_at: String,
    /// Nanoseconds.
    pub duration_ns: u64,
    /// How the command ended; `None` if that is not known.
    pub exit: Option<Exit>,
    /// How much was seen.
    pub coverage: Coverage,
    /// The processes, in the order of their start.
    pub processes: Vec<ProcessRecord>,
    /// The files, by path and role.
    pub files: Vec<FileRecord>,
    /// The tasks, of a run that had a runner which tells of them. Absent otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// The objects of object stores, of a run that used some. Absent otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectRecord>,
    /// What was looked up and is no file of the run. Absent where nothing is known of that, as in older reports.
    #[serde(default, skip_serializing_if = "Lookups::is_empty")]
    pub looked_up: Lookups,
    /// The tracer's own figures.
    pub tracer: TracerStats,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_says_code_or_signal() {
        let json = |status| serde_json::to_string(&Exit::from_wait_status(status)).unwrap();
        assert_eq!(json(0x0300), r#"{"code":3}"#);
        assert_eq!(json(9), r#"{"signal":9,"core":false}"#);
        assert_eq!(json(0x80 | 11), r#"{"signal":11,"core":true}"#);
        assert_eq!(Exit::from_wait_status(15).shell_status(), 143);
    }

    #[test]
    fn gap_names_are_those_that_serde_writes() {
        for kind in GapKind::ALL {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.name()));
            assert_eq!(GapKind::from_number(*kind as u64), Some(*kind));
        }
    }
}
