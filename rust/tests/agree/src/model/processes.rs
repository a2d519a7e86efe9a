//! Processes and their tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustix::io::Errno;

use super::tree::{Den, Ino, Kind};
use super::{
    At, Call, Flags, Id, Line, Model, Object, Other, ROOT, Refusal, Returned, TASKS_MAX, Task, Word,
};

/// What a number is in a table of descriptors.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) open: usize,
    pub(super) is_cloexec: bool,
}

/// Memory that has a file in it.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) open: usize,
    pub(super) dentry: Den,
    pub(super) size: usize,
    pub(super) flags: Flags,
}

/// A process. It is called by the first task that it had.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) parent: Option<Task>,
    /// The task that its end is the end of.
    pub(super) main: Task,
    pub(super) tasks: BTreeSet<Task>,
    pub(super) table: BTreeMap<i32, Slot>,
    /// What the lines have made, as far as this process knows.
    pub(super) registers: BTreeMap<Id, i32>,
    pub(super) mappings: BTreeMap<Id, Mapping>,
    pub(super) cwd: Ino,
    /// The file of the world that it runs.
    pub(super) program: Option<Ino>,
}

impl Process {
    pub(super) fn first() -> Self {
        let table = (0..3).map(|number| (number, Slot { open: 0, is_cloexec: false })).collect();
        Self {
            parent: None,
            main: 0,
            tasks: BTreeSet::from([0]),
            table,
            registers: BTreeMap::new(),
            mappings: BTreeMap::new(),
            cwd: ROOT,
            program: None,
        }
    }
}

impl Model {
    pub(super) fn perform_on_processes(&mut self, line: &Line) -> Result<Call<Returned>, Other> {
        use Word::{Made, Number, Path};
        let task = line.task;
        let done = match (line.call.as_str(), &line.words[..]) {
            ("fork", [Number(child)]) => self.fork(task, *child),
            ("thread", [Number(thread)]) => self.make_thread(task, *thread),
            ("wait", [Number(other)]) => self.wait(task, *other),
            ("exec", [Path(at)]) => self.exec(task, at),
            ("exec_fd", [Made(fd)]) => self.exec_fd(task, *fd),
            _ => return Err(Other),
        };
        Ok(done.map(|()| Returned::default()))
    }

    /// Returns whether the task can perform a line.
    pub(crate) fn is_alive(&self, task: Task) -> bool {
        let process = self.process_of.get(&task).and_then(|process| self.processes.get(process));
        process.is_some_and(|process| process.tasks.contains(&task))
    }

    /// Returns the tasks that can perform a line.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = Task> {
        self.processes.values().flat_map(|process| process.tasks.iter().copied())
    }

    pub(super) fn process(&self, task: Task) -> &Process {
        &self.processes[&self.process_of[&task]]
    }

    pub(super) fn process_mut(&mut self, task: Task) -> &mut Process {
        let process = self.process_of[&task];
        self.processes.get_mut(&process).expect("a task that performs a line has a process")
    }

    /// Returns every open file that something refers to.
    pub(super) fn all_opens(&self) -> impl Iterator<Item = usize> {
        let tables = self.processes.values().flat_map(|process| process.table.values().map(|slot| slot.open));
        let mappings = self.processes.values().flat_map(|process| process.mappings.values());
        tables.chain(mappings.map(|mapping| mapping.open)).chain(self.sent.iter().copied())
    }

    /// Returns whether a process runs the file: then it cannot be written (`ETXTBSY`).
    pub(super) fn is_running(&self, inode: Ino) -> bool {
        self.processes.values().any(|process| process.program == Some(inode))
    }

    fn is_written(&self, inode: Ino) -> bool {
        self.all_opens().any(|open| {
            let open = &self.opens[open];
            open.writes
                && match open.object {
                    Object::File(dentry) => self.dentries[dentry].inode == inode,
                    Object::Directory(_) | Object::Symlink(_) | Object::PipeEnd { .. } | Object::Outside => {
                        false
                    }
                }
        })
    }

    fn new_task(&self, number: i64) -> Call<Task> {
        let task = Task::try_from(number).ok().filter(|task| *task < TASKS_MAX);
        task.filter(|task| !self.process_of.contains_key(task)).ok_or(Refusal::Unmodelled)
    }

    fn fork(&mut self, task: Task, child: i64) -> Call<()> {
        let child = self.new_task(child)?;
        let parent = self.process_of[&task];
        let process = Process {
            parent: Some(parent),
            main: child,
            tasks: BTreeSet::from([child]),
            ..self.process(task).clone()
        };
        self.processes.insert(child, process);
        self.process_of.insert(child, child);
        Ok(())
    }

    fn make_thread(&mut self, task: Task, thread: i64) -> Call<()> {
        let thread = self.new_task(thread)?;
        self.process_of.insert(thread, self.process_of[&task]);
        self.process_mut(task).tasks.insert(thread);
        Ok(())
    }

    fn wait(&mut self, task: Task, other: i64) -> Call<()> {
        let other =
            Task::try_from(other).ok().filter(|other| self.is_alive(*other)).ok_or(Refusal::Unmodelled)?;
        let (here, there) = (self.process_of[&task], self.process_of[&other]);
        let is_main = self.processes[&there].main == other;
        if here == there && !is_main && task != other {
            self.process_mut(task).tasks.remove(&other);
            return Ok(());
        }
        let has_children = self.processes.values().any(|process| process.parent == Some(there));
        if here == there || !is_main || has_children || self.processes[&there].parent != Some(here) {
            return Err(Refusal::Unmodelled);
        }
        self.processes.remove(&there);
        Ok(())
    }

    /// Returns who must still wait for whom, in order.
    pub(super) fn waits(&self) -> Vec<(Task, Task)> {
        let mut waits = Vec::new();
        self.add_waits(0, &mut waits);
        waits
    }

    /// Adds the children of a process, with all that they must wait for first, and its threads.
    fn add_waits(&self, name: Task, waits: &mut Vec<(Task, Task)>) {
        let Some(process) = self.processes.get(&name) else { return };
        for (child, made) in self.processes.iter().filter(|(_, made)| made.parent == Some(name)) {
            self.add_waits(*child, waits);
            waits.push((process.main, made.main));
        }
        let threads = process.tasks.iter().filter(|task| **task != process.main);
        waits.extend(threads.map(|thread| (process.main, *thread)));
    }

    fn exec(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.resolve(task, at, true)?;
        if found.is_dot {
            return Err(Errno::ACCESS.into());
        }
        let dentry = found.dentry.ok_or(Errno::NOENT)?;
        self.execute(task, dentry, false)
    }

    fn exec_fd(&mut self, task: Task, fd: Id) -> Call<()> {
        let process = self.process(task);
        let number = process.registers.get(&fd).copied().unwrap_or(-1);
        // fexecve(3) itself refuses what is no descriptor at all.
        if number < 0 {
            return Err(Errno::INVAL.into());
        }
        let slot = process.table.get(&number).ok_or(Refusal::Failed(Errno::BADF))?;
        match self.opens[slot.open].object {
            Object::File(dentry) => self.execute(task, dentry, slot.is_cloexec),
            Object::Directory(_) => Err(Errno::ACCESS.into()),
            Object::Symlink(_) | Object::PipeEnd { .. } | Object::Outside => Err(Refusal::Unmodelled),
        }
    }

    fn execute(&mut self, task: Task, dentry: Den, is_gone_then: bool) -> Call<()> {
        let inode = self.dentries[dentry].inode;
        let Kind::File(content) = &self.inodes[inode].kind else { return Err(Errno::ACCESS.into()) };
        if !self.inodes[inode].is_executable {
            return Err(Errno::ACCESS.into());
        }
        if self.is_written(inode) {
            return Err(Errno::TXTBSY.into());
        }
        let is_program = content.starts_with(&self.machine.actor);
        let is_script = content.starts_with(&self.machine.interpreted);
        if !is_program && !is_script {
            let is_damaged = content.starts_with(b"#!") || content.starts_with(b"\x7f");
            return Err(if is_damaged { Refusal::Unmodelled } else { Errno::NOEXEC.into() });
        }
        // An interpreter could not open what closes at exec (execveat(2), BUGS).
        if is_script && is_gone_then {
            return Err(Refusal::Unmodelled);
        }
        self.reads(task, dentry, None);
        self.inodes[inode].is_executed = true;
        let process = self.process_mut(task);
        process.table.retain(|_, slot| !slot.is_cloexec);
        process.mappings.clear();
        process.tasks = BTreeSet::from([task]);
        process.main = task;
        process.program = is_program.then_some(inode);
        Ok(())
    }
}

impl super::Machine {
    /// Returns what is the same for every machine: enough to generate programs, and to see what a line does.
    pub fn anywhere() -> Self {
        Self {
            actor: Arc::new(b"\x7factor".to_vec()),
            interpreted: Arc::new(b"#!/actor\n".to_vec()),
            is_root: true,
            is_ext4: true,
        }
    }
}
