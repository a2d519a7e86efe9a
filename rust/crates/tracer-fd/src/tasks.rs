//! Whose act it is, where one process does the work of several tasks one after the other or side by side.
//!
//! A runner tells by truncating a file in a directory that the run was given for it, which every backend sees in its place among the
//! other calls of the thread. The file stands for the teller, the length for what it says ([`Said`]). Nothing below the directory is a
//! file of the run.
//!
//! An act is of the task that its thread was said to work for. A thread of which nothing was said works for the task that its maker
//! worked for, while that goes on; else for the one task that goes on in its process; and for each of them where there are several,
//! since they cannot be told apart. A process of which nothing was said works for whatever the thread that made it worked for.

use rustc_hash::FxHashMap;
use tracer_schema::{PathBytes, Pid, Span, TaskFile, TaskRecord};

/// How the names of the files end by which tasks are told.
const ENDING: &[u8] = b".task";

/// Low bits of the length that say what it says of the task with the number in the others.
const VERB_BITS: u32 = 2;

/// What a teller says of the thread that truncates its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It works for no task.
    Idle,
    /// Nothing, from now on: it ends, or goes on to something else.
    Nothing,
    /// A task begins, and the thread works for it.
    Begins(u64),
    /// It works for that task.
    WorksFor(u64),
    /// That task has ended, and the thread works for none.
    Ends(u64),
}

impl Said {
    fn parse(length: u64) -> Self {
        let number = length >> VERB_BITS;
        match length & ((1 << VERB_BITS) - 1) {
            1 => Self::Begins(number),
            2 if number == 0 => Self::Nothing,
            2 => Self::WorksFor(number),
            3 => Self::Ends(number),
            _ => Self::Idle,
        }
    }
}

/// Index of a task.
type Task = u32;

#[derive(Default)]
struct Process {
    /// What was said of a thread.
    threads: FxHashMap<Pid, Option<Task>>,
    /// For which task the maker of a thread worked.
    makers: FxHashMap<Pid, Task>,
    /// The tasks that go on, ascending.
    active: Vec<Task>,
    /// For which tasks it works of which nothing is said.
    inherited: Vec<Task>,
}

/// The tasks of a run.
#[derive(Default)]
pub(crate) struct Tasks {
    /// Ends in a slash; empty where there is none.
    directory: Vec<u8>,
    records: Vec<TaskRecord>,
    by_name: FxHashMap<(Box<[u8]>, u64), Task>,
    processes: FxHashMap<Pid, Process>,
}

/// What a task did to a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    task: Task,
    is_shared: bool,
    read: Option<Span>,
    written: Option<Span>,
}

fn extend(span: &mut Option<Span>, now_ns: u64) {
    let first_ns = span.map_or(now_ns, |span| span.first_ns);
    *span = Some(Span { first_ns, last_ns: now_ns });
}

/// Adds an act of those tasks to what was done to a file.
pub(crate) fn note(uses: &mut Vec<Use>, tasks: &[Task], is_read: bool, now_ns: u64) {
    let is_shared = tasks.len() > 1;
    for task in tasks {
        let known = uses.iter().rposition(|known| known.task == *task && known.is_shared == is_shared);
        let at = known.unwrap_or_else(|| {
            uses.push(Use { task: *task, is_shared, read: None, written: None });
            uses.len() - 1
        });
        let known = &mut uses[at];
        extend(if is_read { &mut known.read } else { &mut known.written }, now_ns);
    }
}

impl Tasks {
    /// Takes a directory for the one in which tasks are told.
    pub(crate) fn watch(&mut self, directory: &[u8]) {
        self.directory = [directory, b"/"].concat();
    }

    /// Returns whether a path is of the telling, and no file of the run.
    pub(crate) fn owns(&self, path: &[u8]) -> bool {
        !self.directory.is_empty() && path.starts_with(&self.directory)
    }

    /// Takes the truncation of a file below the directory.
    pub(crate) fn tell(&mut self, path: &[u8], length: u64, pid: Pid, tid: Pid, now_ns: u64) {
        let name = path.strip_prefix(self.directory.as_slice()).and_then(|name| name.strip_suffix(ENDING));
        let Some(teller) = name else { return };
        let (task, said) = match Said::parse(length) {
            said @ (Said::Idle | Said::Nothing) => (None, said),
            said @ (Said::Begins(number) | Said::WorksFor(number) | Said::Ends(number)) => {
                (Some(self.task(teller, number, pid, now_ns)), said)
            }
        };
        let process = self.processes.entry(pid).or_default();
        match (said, task) {
            (Said::Begins(_), Some(task)) => {
                if let Err(at) = process.active.binary_search(&task) {
                    process.active.insert(at, task);
                }
                process.threads.insert(tid, Some(task));
            }
            (Said::Ends(_), Some(task)) => {
                process.active.retain(|active| *active != task);
                process.threads.insert(tid, None);
                self.records[task as usize].ended_ns = Some(now_ns);
            }
            (Said::Nothing, _) => {
                process.threads.remove(&tid);
            }
            (Said::WorksFor(_) | Said::Idle, task) => {
                process.threads.insert(tid, task);
            }
            (Said::Begins(_) | Said::Ends(_), None) => {}
        }
    }

    fn task(&mut self, teller: &[u8], number: u64, pid: Pid, now_ns: u64) -> Task {
        let records = &mut self.records;
        *self.by_name.entry((teller.into(), number)).or_insert_with(|| {
            records.push(TaskRecord {
                teller: PathBytes::from(teller),
                number,
                pid,
                started_ns: now_ns,
                ended_ns: None,
                files: Vec::new(),
            });
            u32::try_from(records.len() - 1).expect("a run has fewer than 2^32 tasks")
        })
    }

    /// Puts the tasks that a thread works for into `all`.
    pub(crate) fn doing(&self, pid: Pid, tid: Pid, all: &mut Vec<Task>) {
        all.clear();
        let Some(process) = self.processes.get(&pid) else { return };
        let made_for = process.makers.get(&tid).filter(|task| process.active.contains(task));
        match (process.threads.get(&tid), made_for) {
            (Some(said), _) => all.extend(said),
            (None, Some(task)) => all.push(*task),
            (None, None) if process.active.is_empty() => all.extend(&process.inherited),
            (None, None) => all.extend(&process.active),
        }
    }

    /// A thread makes another.
    pub(crate) fn make_thread(&mut self, pid: Pid, tid: Pid, made: Pid) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.threads.remove(&made);
        process.makers.remove(&made);
        if let Some(Some(task)) = process.threads.get(&tid) {
            process.makers.insert(made, *task);
        }
    }

    /// A thread makes a process.
    pub(crate) fn make_process(&mut self, pid: Pid, tid: Pid, made: Pid) {
        let mut inherited = Vec::new();
        self.doing(pid, tid, &mut inherited);
        self.processes.remove(&made);
        if !inherited.is_empty() {
            self.processes.insert(made, Process { inherited, ..Process::default() });
        }
    }

    /// A process has ended. A task that went on in it has no end.
    pub(crate) fn end_process(&mut self, pid: Pid) {
        self.processes.remove(&pid);
    }

    /// Adds to the records that a file, by its index in the report, was used so.
    pub(crate) fn add_uses(&mut self, file: usize, uses: &[Use]) {
        let file = u32::try_from(file).expect("a run touches fewer than 2^32 files");
        for Use { task, is_shared, read, written } in uses.iter().copied() {
            self.records[task as usize].files.push(TaskFile { file, is_shared, read, written });
        }
    }

    /// Returns the records.
    pub(crate) fn into_records(self) -> Vec<TaskRecord> {
        self.records
    }
}
