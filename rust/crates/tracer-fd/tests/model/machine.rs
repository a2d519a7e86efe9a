//! Processes with descriptors, and the calls they make, one line each.

use std::collections::{BTreeMap, BTreeSet};

use tracer_schema::{EventFlags, EventKind, GapKind};

use super::files::{Files, Kind, Path};
use super::tape::{Form, Tape, Told};

/// The process a run begins with.
pub(crate) const ROOT: u32 = 100;

/// Where relative paths begin.
pub(crate) const DIRECTORY: &str = "/w";

/// Names and bits of open(2)'s flags.
const OPEN_FLAGS: &[(&str, u64)] = &[
    ("RDONLY", 0),
    ("WRONLY", 1),
    ("RDWR", 2),
    ("CREAT", 0o100),
    ("EXCL", 0o200),
    ("TRUNC", 0o1000),
    ("APPEND", 0o2000),
    ("NOFOLLOW", 0o400_000),
    ("CLOEXEC", 0o2_000_000),
    ("PATH", 0o10_000_000),
    ("TMPFILE", 0o20_200_000),
];
const WRITING: u64 = 3;
const CREAT: u64 = 0o100;
const EXCL: u64 = 0o200;
const TRUNC: u64 = 0o1000;
const NOFOLLOW: u64 = 0o400_000;
const CLOEXEC: u64 = 0o2_000_000;
const PATH: u64 = 0o10_000_000;
const TMPFILE: u64 = 0o20_000_000;

/// Why a line was not performed.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The call fails, which is nothing that a backend tells.
    ByKernel(&'static str),
    /// The line means nothing.
    Syntax(String),
}

/// Content taken from a file while it was that from before the run.
#[derive(Clone, Debug)]
pub(crate) struct Take {
    pub(crate) inode: usize,
    /// The path from before the run that it was taken by, if it was by a name that came from one.
    pub(crate) origin: Option<Path>,
}

#[derive(Clone)]
struct Open {
    inode: usize,
    /// Its name now.
    path: Option<Path>,
    can_read: bool,
    can_write: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    open: usize,
    is_cloexec: bool,
    /// The backend has told what the descriptor refers to.
    is_told: bool,
}

/// The file that a call is on.
#[derive(Clone)]
struct At {
    inode: usize,
    path: Option<Path>,
    fd: Option<i32>,
    can_read: bool,
    can_write: bool,
}

impl At {
    fn of_path(path: Path, inode: usize) -> Self {
        Self { inode, path: Some(path), fd: None, can_read: true, can_write: true }
    }
}

/// A machine with a run on it.
pub(crate) struct Machine {
    pub(crate) files: Files,
    /// The files as they were before the run.
    pub(crate) before: Files,
    pub(crate) tape: Tape,
    pub(crate) takes: Vec<Take>,
    /// The paths by which the run had an effect.
    pub(crate) touched: BTreeSet<Path>,
    /// The paths that the run opened, with or without an effect.
    pub(crate) opened: BTreeSet<Path>,
    form: Form,
    opens: Vec<Open>,
    tables: Vec<BTreeMap<i32, Slot>>,
    table_of: BTreeMap<u32, usize>,
}

type Performed = Result<(), Refused>;

fn kernel<T>(error: &'static str) -> Result<T, Refused> {
    Err(Refused::ByKernel(error))
}

/// Returns the bytes of a word, in which `\xNN` is a byte.
fn unescape(word: &str) -> Result<Vec<u8>, Refused> {
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part
            .split_at_checked(2)
            .and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest)));
        let (byte, rest) = byte.ok_or_else(|| Refused::Syntax(format!("bad escape in {word}")))?;
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Ok(bytes)
}

pub(crate) fn path(word: &str) -> Result<Path, Refused> {
    let bytes = unescape(word.strip_prefix('@').unwrap_or(word))?;
    Ok(if bytes.first() == Some(&b'/') { bytes } else { [DIRECTORY.as_bytes(), b"/", &bytes].concat() })
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, Refused> {
    word.parse().map_err(|_bad| Refused::Syntax(format!("{word} is not a number")))
}

fn open_flags(word: &str) -> Result<u64, Refused> {
    word.split('|').try_fold(0, |flags, name| {
        let found = OPEN_FLAGS.iter().find(|(known, _)| *known == name);
        let (_, bits) = found.ok_or_else(|| Refused::Syntax(format!("no open flag {name}")))?;
        Ok(flags | bits)
    })
}

fn flag(is_set: bool, flag: EventFlags) -> EventFlags {
    if is_set { flag } else { EventFlags::default() }
}

impl Machine {
    /// Returns a machine with the files that the lines of `world` say, and a run about to begin.
    pub(crate) fn new(world: &[&str], form: Form, is_reusing: bool) -> Result<Self, Refused> {
        let mut files = Files::new(is_reusing);
        for line in ["dir /w"].iter().chain(world) {
            prepare(&mut files, line)?;
        }
        files.begin();
        let before = files.clone();
        let mut machine = Self {
            files,
            before,
            tape: Tape::default(),
            takes: Vec::new(),
            touched: BTreeSet::new(),
            opened: BTreeSet::new(),
            form,
            opens: Vec::new(),
            tables: vec![BTreeMap::new()],
            table_of: BTreeMap::from([(ROOT, 0)]),
        };
        machine.tape.tell(&Told {
            text: Some(DIRECTORY.as_bytes()),
            text2: Some(b"cmd\0arg\0"),
            value: 1_000,
            ..Told::new(EventKind::Start, ROOT)
        });
        Ok(machine)
    }

    /// Performs one line.
    pub(crate) fn perform(&mut self, line: &str) -> Performed {
        let words: Vec<&str> = line.split_whitespace().collect();
        let words = words.as_slice();
        if let ["unseen", rest @ ..] = words {
            self.tape.is_muted = true;
            let performed = self.perform(&rest.join(" "));
            self.tape.is_muted = false;
            return performed;
        }
        let Some(done) = self
            .perform_on_content(words)
            .or_else(|| self.perform_on_descriptors(words))
            .or_else(|| self.perform_on_names(words))
            .or_else(|| self.perform_on_processes(words))
        else {
            return Err(Refused::Syntax(format!("no such line: {line}")));
        };
        done
    }

    fn perform_on_content(&mut self, words: &[&str]) -> Option<Performed> {
        use EventKind::{Allocate, Execute, MapRead, MapWrite, Read, Truncate, Write};
        Some(match words {
            ["read", pid, at, "=", count] => self.effect(Read, pid, at, count),
            ["write", pid, at, "=", count] => self.effect(Write, pid, at, count),
            ["mapread", pid, at] => self.effect(MapRead, pid, at, "0"),
            ["mapwrite", pid, at] => self.effect(MapWrite, pid, at, "0"),
            ["truncate", pid, at, length] => self.effect(Truncate, pid, at, length),
            ["allocate", pid, at] => self.effect(Allocate, pid, at, "0"),
            ["execute", pid, at] => self.effect(Execute, pid, at, "0"),
            ["blind", "read", pid, fd] => self.blind(Read, pid, fd),
            ["blind", "write", pid, fd] => self.blind(Write, pid, fd),
            _ => return None,
        })
    }

    fn perform_on_descriptors(&mut self, words: &[&str]) -> Option<Performed> {
        Some(match words {
            ["open", pid, at, flags, "=", fd] => self.open(pid, at, flags, fd),
            ["close", pid, fd] => self.close(pid, fd),
            ["close_range", pid, first, last] => self.close_range(pid, first, last, false),
            ["close_range", pid, first, last, "cloexec"] => self.close_range(pid, first, last, true),
            ["dup", pid, from, to] => self.duplicate(pid, from, to, false),
            ["dup", pid, from, to, "cloexec"] => self.duplicate(pid, from, to, true),
            ["cloexec", pid, fd, "on"] => self.close_on_exec(pid, fd, true),
            ["cloexec", pid, fd, "off"] => self.close_on_exec(pid, fd, false),
            ["inherit", pid, fd, at] => self.inherit(pid, fd, at, false),
            ["receive", pid, fd, at] => self.inherit(pid, fd, at, true),
            ["pass", from, from_fd, pid, fd] => self.pass(from, from_fd, pid, fd, false),
            ["pass", from, from_fd, pid, fd, "cloexec"] => self.pass(from, from_fd, pid, fd, true),
            _ => return None,
        })
    }

    fn perform_on_names(&mut self, words: &[&str]) -> Option<Performed> {
        Some(match words {
            ["mknod", pid, at] => self.make(EventKind::Create, pid, at, Kind::File, None),
            ["symlink", pid, at, target] => match unescape(target) {
                Ok(target) => {
                    let kind = Kind::Symlink(target.clone());
                    self.make(EventKind::Symlink, pid, at, kind, Some(&target))
                }
                Err(refused) => Err(refused),
            },
            ["link", pid, from, to] => self.link(pid, from, to),
            ["rename", pid, from, to] => self.rename(pid, from, to),
            ["exchange", pid, from, to] => self.exchange(pid, from, to),
            ["unlink" | "rmdir", pid, at] => self.unlink(pid, at),
            ["mkdir", _pid, at] => self.mkdir(at),
            ["seen", pid, at] => self.seen(pid, at),
            ["found", at] => self.found(at),
            ["absent", pid, at] => self.absent(pid, at),
            ["listed", pid, at] => self.listed(pid, at),
            _ => return None,
        })
    }

    fn perform_on_processes(&mut self, words: &[&str]) -> Option<Performed> {
        Some(match words {
            ["fork", pid, child] => self.fork(pid, child, EventFlags::default()),
            ["fork", pid, child, "files"] => self.fork(pid, child, EventFlags::SHARED_FILES),
            ["fork", pid, child, "thread"] => {
                let thread = EventFlags::THREAD.with(EventFlags::SHARED_FILES);
                self.fork(pid, child, thread)
            }
            ["exec", pid, program, arguments @ ..] => self.exec(pid, program, arguments),
            ["directory", pid, at] => self.directory(pid, at),
            ["exit", pid, status] => self.exit(pid, status),
            ["end", status] => self.end(status),
            ["gap", pid, kind, at, words @ ..] => self.gap(pid, kind, at, words),
            ["lost", count] => self.lost(count),
            ["unknown", kind] => number(kind).map(|kind| self.tape.tell_unknown_kind(kind)),
            _ => return None,
        })
    }

    /// Tells the end, once every line is performed.
    pub(crate) fn finish(&mut self) {
        self.tape.tell(&Told::new(EventKind::End, ROOT));
    }
}

/// Makes what a line of the world before the run says, and the directories it needs.
fn prepare(files: &mut Files, line: &str) -> Performed {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (at, kind) = match words.as_slice() {
        ["file", at, _] => (at, Kind::File),
        ["dir", at] => (at, Kind::Directory),
        ["fifo", at] => (at, Kind::Fifo),
        ["symlink", at, target] => (at, Kind::Symlink(unescape(target)?)),
        ["link", at, to] => {
            let inode = files.inode_at(&path(to)?);
            let inode = inode.ok_or_else(|| Refused::Syntax(format!("no file {to}")))?;
            files.put(&path(at)?, inode, None);
            return Ok(());
        }
        _ => return Err(Refused::Syntax(format!("no such line of a world: {line}"))),
    };
    let at = path(at)?;
    for end in (1..at.len()).filter(|end| at[*end] == b'/') {
        if files.inode_at(&at[..end]).is_none() {
            let directory = files.add_inode(Kind::Directory);
            files.put(&at[..end], directory, None);
        }
    }
    if files.inode_at(&at).is_some() && kind == Kind::Directory {
        return Ok(());
    }
    let inode = files.add_inode(kind);
    files.put(&at, inode, None);
    if let ["file", _, size] = words.as_slice() {
        files.change(inode, number(size)?);
    }
    Ok(())
}

mod content;
mod descriptors;
mod names;
mod processes;
