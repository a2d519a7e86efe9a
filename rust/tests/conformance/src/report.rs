//! The public run report, `roar.report/1`, read on the harness's own terms: these types are written from the format's
//! description and shared with no other crate, so that a mistake there is not a mistake here too.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::Error as _;

use crate::Result;
use crate::pattern::escape;

/// A path or argument: a JSON string, or `{"b64": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Encoded { b64: String },
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Encoded { b64 } => {
                let bytes = STANDARD.decode(b64).map_err(D::Error::custom)?;
                match std::str::from_utf8(&bytes) {
                    Ok(text) => Err(D::Error::custom(format!("{text:?} is UTF-8 and was given as b64"))),
                    Err(_) => Ok(Self(bytes)),
                }
            }
        }
    }
}

/// What a file was to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Its content from before was used.
    Input,
    /// The run made or changed it.
    Output,
    /// Made by the run and gone.
    Temporary,
    /// There before, and gone.
    Deleted,
}

impl Role {
    /// Returns the role of that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "input" => Self::Input,
            "output" => Self::Output,
            "temporary" => Self::Temporary,
            "deleted" => Self::Deleted,
            _ => return None,
        })
    }

    /// Returns its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Temporary => "temporary",
            Self::Deleted => "deleted",
        }
    }
}

/// What became of an output's version from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prior {
    /// Changed in place.
    Kept,
    /// Emptied or replaced.
    Replaced,
}

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Regular file.
    File,
    /// Symbolic link.
    Symlink,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// By itself.
    Code {
        /// 0 to 255.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// Its number.
        signal: i32,
    },
}

/// One file in one role.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct FileRecord {
    pub path: Bytes,
    pub role: Role,
    pub read: bool,
    pub written: bool,
    pub executed: bool,
    pub created: bool,
    pub deleted: bool,
    pub prior: Option<Prior>,
    pub kind: Kind,
    pub renamed_from: Option<Bytes>,
    pub pids: Vec<u32>,
    #[serde(default)]
    pub bytes_read: Option<u64>,
    #[serde(default)]
    pub bytes_written: Option<u64>,
    pub filtered: bool,
}

/// Something that was not seen.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Gap {
    pub kind: String,
    #[serde(default)]
    pub pid: Option<u32>,
    #[serde(default)]
    pub path: Option<Bytes>,
    pub detail: String,
}

/// How much was seen.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Coverage {
    pub complete: bool,
    pub events_lost: u64,
    pub gaps: Vec<Gap>,
}

/// How something was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupKind {
    /// Nothing was there.
    Absent,
    /// A directory was listed.
    Listing,
    /// A symbolic link led to an input: what backends see has no part in it.
    Link,
}

/// Something that was looked up.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Lookup {
    pub path: Bytes,
    pub kind: LookupKind,
    #[serde(default)]
    pub names: Vec<Bytes>,
}

/// Everything that was looked up.
#[derive(Clone, Debug, Default, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Lookups {
    pub kinds: Vec<LookupKind>,
    pub found: Vec<Lookup>,
}

/// What the tracer says of its own work.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Tracer {
    pub mode: String,
    pub events: u64,
}

/// A process of the run.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Process {
    pub pid: u32,
    pub parent: Option<u32>,
}

/// A whole report.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the format")]
pub struct Report {
    pub format: String,
    pub backend: String,
    pub command: Vec<Bytes>,
    pub cwd: Bytes,
    pub root_pid: u32,
    pub exit: Option<Exit>,
    pub coverage: Coverage,
    pub processes: Vec<Process>,
    pub files: Vec<FileRecord>,
    #[serde(default)]
    pub looked_up: Lookups,
    pub tracer: Tracer,
}

impl Report {
    /// Reads a report.
    pub fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| format!("the report is not a roar.report/1: {error}"))
    }

    /// Returns what is wrong with the report whatever the program did.
    pub fn faults(&self, backend: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if self.format != "roar.report/1" {
            faults.push(format!("format is {:?}", self.format));
        }
        if self.backend != backend {
            faults.push(format!("backend is {:?}, not {backend:?}", self.backend));
        }
        let complete = self.coverage.gaps.is_empty() && self.coverage.events_lost == 0;
        if self.coverage.complete != complete {
            faults.push("coverage.complete does not agree with the gaps and events lost".to_owned());
        }
        self.find_process_faults(&mut faults);
        self.find_file_faults(&mut faults);
        faults
    }

    fn find_process_faults(&self, faults: &mut Vec<String>) {
        let pids: HashSet<u32> = self.processes.iter().map(|process| process.pid).collect();
        if !pids.contains(&self.root_pid) {
            faults.push(format!("the root process {} is not listed", self.root_pid));
        }
        for process in &self.processes {
            if process.parent.is_some_and(|parent| !pids.contains(&parent)) {
                faults.push(format!("the parent of process {} is not listed", process.pid));
            }
        }
        let users = self.files.iter().flat_map(|file| file.pids.iter().map(move |pid| (file, pid)));
        for (file, pid) in users.filter(|(_, pid)| !pids.contains(pid)) {
            faults.push(format!("{} names process {pid}, which is not listed", escape(&file.path.0)));
        }
    }

    fn find_file_faults(&self, faults: &mut Vec<String>) {
        let mut seen = HashSet::new();
        for file in &self.files {
            let path = escape(&file.path.0);
            let word = file.role.word();
            if !seen.insert((&file.path, file.role)) {
                faults.push(format!("{path} {word} is listed twice"));
            }
            if !is_subject(&file.path.0) {
                faults.push(format!("{path} {word} is not the path of a file"));
            }
            if file.role == Role::Input && is_own(&file.path.0) {
                faults.push(format!("{path} {word} is a file of roar's own"));
            }
            if file.role != Role::Output && (file.prior.is_some() || file.renamed_from.is_some()) {
                faults.push(format!("{path} {word} has what only an output has"));
            }
        }
    }
}

/// Whether a path may be that of a regular file or link on a file system of its own.
fn is_subject(path: &[u8]) -> bool {
    let on_devtmpfs = path.starts_with(b"/dev/") && !path.starts_with(b"/dev/shm/");
    let is_nowhere = on_devtmpfs || path.starts_with(b"/memfd:");
    path.starts_with(b"/") && !is_nowhere && !path.starts_with(b"/proc/") && !path.starts_with(b"/sys/")
}

/// Whether a path is that of a file in which roar keeps what it sees.
fn is_own(path: &[u8]) -> bool {
    let is_journal = path.starts_with(b"/dev/shm/roar-") && path.ends_with(b"/journal");
    is_journal || path.windows(12).any(|part| part == b"/.roar/runs/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_or_base64_and_never_base64_of_text() {
        assert_eq!(serde_json::from_str::<Bytes>("\"/a\"").unwrap().0, b"/a");
        assert_eq!(serde_json::from_str::<Bytes>("{\"b64\": \"/w==\"}").unwrap().0, b"\xff");
        serde_json::from_str::<Bytes>("{\"b64\": \"YQ==\"}").unwrap_err();
    }

    #[test]
    fn only_files_are_subjects() {
        for path in ["/a", "/dev/shm/x", "/device"] {
            assert!(is_subject(path.as_bytes()), "{path}");
        }
        for path in ["a", "pipe:[1]", "/proc/1/maps", "/dev/null", "/memfd:x (deleted)", "/sys/x", ""] {
            assert!(!is_subject(path.as_bytes()), "{path}");
        }
    }
}
