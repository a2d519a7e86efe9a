//! What the kernel does with a script, and what the observation model says of it: a value, without any I/O.
//!
//! It is written from the manual pages and from `docs/observation-model.md`, never from what roar said. Each program is also run bare, and what
//! its calls returned and left behind is compared with what is said here. What it does not know, or what would wait forever, it refuses to say
//! ([`Refusal::Unmodelled`]); such lines are taken out of a program before it is run.

mod bytes;
mod descriptors;
mod names;
mod observed;
mod processes;
mod tree;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustix::io::Errno;

use crate::script::{At, Base, Entry, Flags, IDS_MAX, Id, Line, Program, TASKS_MAX, Task, Word};
use observed::Lived;
use processes::Process;
use tree::{Den, Dentry, Ino, Inode, Kind};

pub use observed::Expected;
pub use tree::Content;

/// Why a call does not succeed, or cannot be foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel refuses.
    Failed(Errno),
    /// The model does not know.
    Unmodelled,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno)
    }
}

type Call<T> = Result<T, Refusal>;

/// What a call that succeeds returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Returned {
    /// The result.
    pub value: i64,
    /// Sum over the bytes that it read.
    pub sum: u32,
}

impl Returned {
    fn value(value: i64) -> Self {
        Self { value, sum: 0 }
    }
}

/// What the machine that the program runs on can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The actor's own bytes.
    pub actor: Arc<Vec<u8>>,
    /// What a script begins with whose interpreter is the actor.
    pub interpreted: Arc<Vec<u8>>,
    /// The user is root.
    pub is_root: bool,
    /// The file system of the world has files without names, and can zero ranges.
    pub is_ext4: bool,
}

/// An open file as the kernel has it: what several descriptors may share.
#[derive(Clone, Debug)]
struct Open {
    object: Object,
    offset: usize,
    reads: bool,
    writes: bool,
    appends: bool,
    /// `O_PATH`.
    is_path: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    File(Den),
    Directory(Ino),
    Symlink(Den),
    PipeEnd {
        pipe: usize,
        writes: bool,
    },
    /// What is not of the world: standard streams, the actor's own.
    Outside,
}

#[derive(Clone, Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// How often something was put into it since it was empty: it has room for 16 buffers.
    fills: usize,
    /// Files that were put into it since then by reference, and their contents then: what is changed in one is changed in the pipe, or not.
    sources: Vec<(Den, Content)>,
}

/// Buffers of a pipe that are counted on: fewer than there are (pipe(7)).
const FILLS_MAX: usize = 8;

/// Room of a pipe that is counted on.
const PIPE_BYTES: usize = 8192;

/// The state of everything.
#[derive(Clone, Debug)]
pub struct Model {
    machine: Machine,
    inodes: Vec<Inode>,
    dentries: Vec<Dentry>,
    opens: Vec<Open>,
    pipes: Vec<Pipe>,
    /// Descriptors that were sent and not received.
    sent: VecDeque<usize>,
    processes: BTreeMap<Task, Process>,
    /// The process of each task that ever was.
    process_of: BTreeMap<Task, Task>,
    /// Paths at which the run put a file, in whatever way.
    lived: BTreeMap<String, Lived>,
    /// The subjects before the run.
    before: BTreeMap<String, Den>,
}

const ROOT: Ino = 0;

impl Model {
    /// Returns the state before the run, and those of the entries that are possible.
    pub fn new(machine: &Machine, world: &[Entry]) -> (Self, Vec<Entry>) {
        let mut model = Self {
            machine: machine.clone(),
            inodes: vec![Inode::new(Kind::Directory { entries: BTreeMap::new(), at: None, is_dead: false })],
            dentries: Vec::new(),
            opens: vec![Open {
                object: Object::Outside,
                offset: 0,
                reads: true,
                writes: true,
                appends: false,
                is_path: false,
            }],
            pipes: Vec::new(),
            sent: VecDeque::new(),
            processes: BTreeMap::from([(0, Process::first())]),
            process_of: BTreeMap::from([(0, 0)]),
            lived: BTreeMap::new(),
            before: BTreeMap::new(),
        };
        let possible: Vec<Entry> = world.iter().filter(|entry| model.put(entry).is_some()).cloned().collect();
        model.begin();
        (model, possible)
    }

    /// Returns the program with nothing in it that is not possible or not known, all of its processes waited for, and what is to be
    /// expected of it.
    pub fn settle(machine: &Machine, program: &Program) -> Settled {
        let (mut model, world) = Self::new(machine, &program.world);
        let mut settled = Settled {
            program: Program { world, lines: Vec::new() },
            outcomes: Vec::new(),
            model: model.clone(),
        };
        for line in &program.lines {
            // What is not known is left out.
            let _outcome = settled.take(&mut model, line.clone());
        }
        let mut id = program.lines.iter().map(|line| line.id + 1).max().unwrap_or(0);
        for (waiter, task) in model.waits() {
            let words = vec![Word::Number(task.into())];
            let waited = settled.take(&mut model, Line { id, task: waiter, call: "wait".to_owned(), words });
            debug_assert!(waited.is_ok(), "{waiter} cannot wait for {task}");
            id += 1;
        }
        let task = model.processes.get(&0).map_or(0, |process| process.main);
        settled.program.lines.push(Line { id, task, call: "end".to_owned(), words: Vec::new() });
        settled.model = model;
        settled
    }

    /// Performs a line. Nothing changes if it is refused as not known.
    pub fn apply(&mut self, line: &Line) -> Call<Returned> {
        let mut next = self.clone();
        let outcome = next.perform(line);
        if outcome != Err(Refusal::Unmodelled) {
            *self = next;
        }
        outcome
    }

    fn perform(&mut self, line: &Line) -> Call<Returned> {
        if line.id >= IDS_MAX || !self.is_alive(line.task) {
            return Err(Refusal::Unmodelled);
        }
        let outcome = self.perform_on_names(line).or_else(|_| self.perform_on_descriptors(line));
        let outcome = outcome.or_else(|_| self.perform_on_processes(line));
        outcome.unwrap_or(Err(Refusal::Unmodelled))
    }
}

/// What a descriptor refers to, for whoever chooses calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handle {
    File {
        reads: bool,
        writes: bool,
    },
    /// A directory and its path.
    Directory(String),
    PipeEnd {
        writes: bool,
    },
    Other,
}

impl Model {
    /// Returns the paths of files and links.
    pub(crate) fn file_paths(&self) -> Vec<String> {
        self.subjects().into_keys().collect()
    }

    /// Returns the paths of directories but for the root.
    pub(crate) fn directory_paths(&self) -> Vec<String> {
        self.directories().into_keys().collect()
    }

    /// Returns the path of a task's working directory.
    pub(crate) fn cwd_path(&self, task: Task) -> String {
        self.path_of_directory(self.process(task).cwd)
    }

    /// Returns what a task can use, by the lines that made it.
    pub(crate) fn handles(&self, task: Task) -> Vec<(Id, Handle)> {
        let registers = self.process(task).registers.keys();
        let open = registers.filter_map(|id| Some((*id, self.open_of(task, *id).ok()?)));
        let handle = |open: &Open| match open.object {
            _ if open.is_path => Handle::Other,
            Object::File(_) => Handle::File { reads: open.reads, writes: open.writes },
            Object::Directory(directory) => Handle::Directory(self.path_of_directory(directory)),
            Object::PipeEnd { writes, .. } => Handle::PipeEnd { writes },
            Object::Symlink(_) | Object::Outside => Handle::Other,
        };
        open.map(|(id, open)| (id, handle(open))).collect()
    }

    /// Returns a task's mappings, by the lines that made them.
    pub(crate) fn mapping_ids(&self, task: Task) -> Vec<Id> {
        self.process(task).mappings.keys().copied().collect()
    }
}

/// A call is of another kind.
struct Other;

/// A program that can be run.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The program.
    pub program: Program,
    /// What each line but the last gives.
    pub outcomes: Vec<Call<Returned>>,
    /// The state at its end.
    pub model: Model,
}

impl Settled {
    fn take(&mut self, model: &mut Model, line: Line) -> Call<Returned> {
        let outcome = model.apply(&line);
        if outcome != Err(Refusal::Unmodelled) {
            self.program.lines.push(line);
            self.outcomes.push(outcome);
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
