//! From stops to events: what a thread is about to do, whether its result matters, and what it then did.

use std::io;
use std::path::Path;

use rustc_hash::FxHashMap;
use tracer_host::Recorder;
use tracer_schema::{EventFlags, EventKind, GapKind, TextId, TraceEvent};
use tracer_syscalls::Arch;

use crate::files::{FileRef, OpenFile, Process, Told};
use crate::programs::Programs;
use crate::resolve::{Located, Resolver};
use crate::rings::Rings;
use crate::sys::Tid;

/// A thread of a process: who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// The thread.
    pub(crate) tid: Tid,
    /// Its process: the id of the thread that leads it.
    pub(crate) pid: Tid,
}

/// A system call at its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Its convention.
    pub(crate) arch: Arch,
    /// Its row in the table.
    pub(crate) row: usize,
    /// Its arguments.
    pub(crate) args: [u64; 6],
}

/// Turns stops into events.
pub(crate) struct Observer {
    /// Where events go.
    pub(crate) recorder: Recorder,
    pub(crate) resolver: Resolver,
    pub(crate) processes: FxHashMap<Tid, Process>,
    pub(crate) programs: Programs,
    pub(crate) rings: Rings,
    /// How many names the run has changed: what was known of a path before may be false.
    pub(crate) generation: u64,
    /// Whether paths mean to a thread what they mean here, and as of which change of roots and mounts that is known.
    homes: FxHashMap<Tid, (u64, bool)>,
    /// Whether anything has a shared mapping of a file that could be made writable later.
    pub(crate) has_shared_map: bool,
    /// How many times a process changed its root or mounts.
    pub(crate) root_epoch: u64,
}

impl Observer {
    /// Returns an observer that spools into `run_dir`.
    pub(crate) fn new(run_dir: &Path) -> Self {
        Self {
            recorder: Recorder::new(run_dir),
            resolver: Resolver::new(),
            processes: FxHashMap::default(),
            programs: Programs::default(),
            rings: Rings::default(),
            generation: 0,
            homes: FxHashMap::default(),
            has_shared_map: false,
            root_epoch: 0,
        }
    }

    /// A process begins to be traced: the root.
    pub(crate) fn begin(&mut self, root: Tid, cwd: &[u8], command: &[u8]) {
        self.process(root).threads = 1;
        self.recorder.tell_start(root.as_pid(), cwd, command);
    }

    pub(crate) fn process(&mut self, pid: Tid) -> &mut Process {
        self.processes.entry(pid).or_default()
    }

    /// `child` was made by `parent`: a thread beside it if it belongs to the same process.
    pub(crate) fn fork(&mut self, parent: Who, child: Who) {
        let is_thread = parent.pid == child.pid;
        if !is_thread {
            self.processes.insert(child.pid, Process::default());
        }
        self.process(child.pid).threads += 1;
        let mut event = self.recorder.event(EventKind::Fork, parent.pid.as_pid(), parent.tid.as_pid());
        event.value = child.tid.as_pid().into();
        if is_thread {
            event.flags = EventFlags::THREAD;
        }
        self.recorder.tell(&event);
    }

    /// A process that was met before its parent told of it was made by that thread.
    pub(crate) fn made_by(&mut self, parent: Who, child: Tid) {
        let mut event = self.event(EventKind::Fork, parent);
        event.value = child.as_pid().into();
        event.flags = EventFlags::EXISTED;
        self.recorder.tell(&event);
    }

    /// A thread ended; `status` is that of its process if it led it.
    pub(crate) fn exit(&mut self, who: Who, status: i32) {
        self.homes.remove(&who.tid);
        if who.tid == who.pid {
            self.close_rings(who);
            let mut event = self.recorder.event(EventKind::Exit, who.pid.as_pid(), who.tid.as_pid());
            event.value = status as u32 as u64;
            self.recorder.tell(&event);
            self.processes.remove(&who.pid);
        } else if let Some(process) = self.processes.get_mut(&who.pid) {
            process.threads = process.threads.saturating_sub(1);
        }
    }

    pub(crate) fn event(&self, kind: EventKind, who: Who) -> TraceEvent {
        self.recorder.event(kind, who.pid.as_pid(), who.tid.as_pid())
    }

    /// Tells an event about a file.
    pub(crate) fn tell_file(&mut self, kind: EventKind, who: Who, file: &FileRef, value: u64) {
        let mut event = self.event(kind, who);
        self.fill(&mut event, file);
        event.value = value;
        self.recorder.tell(&event);
    }

    /// Tells an event about a file whose bytes are not counted.
    pub(crate) fn tell_uncounted(&mut self, kind: EventKind, who: Who, file: &FileRef) {
        let mut event = self.event(kind, who);
        self.fill(&mut event, file);
        event.flags = event.flags.with(EventFlags::UNCOUNTED);
        self.recorder.tell(&event);
    }

    pub(crate) fn fill(&self, event: &mut TraceEvent, file: &FileRef) {
        event.text = file.text;
        event.stamp = file.stamp;
        if !file.text.is_some() {
            event.flags = event.flags.with(EventFlags::NAMELESS);
        }
    }

    pub(crate) fn refer(&mut self, located: &Located) -> FileRef {
        let text = if located.path.is_empty() { TextId::NONE } else { self.recorder.text(&located.path) };
        FileRef { text, stamp: located.stamp }
    }

    /// A name in the run changed: what was known of names must be asked again.
    pub(crate) fn names_changed(&mut self) {
        self.generation += 1;
    }

    /// Tells that the file at `located` was there, if it was.
    pub(crate) fn tell_seen(&mut self, who: Who, located: &Located) {
        if located.is_subject() {
            let file = self.refer(located);
            self.tell_file(EventKind::Seen, who, &file, 0);
        }
    }

    /// Returns what is known of a descriptor, asking the kernel as far as needed; `None` if it cannot be used.
    pub(crate) fn descriptor(&mut self, who: Who, fd: i32) -> Option<&mut OpenFile> {
        if fd < 0 {
            return None;
        }
        let generation = self.generation;
        let target = match self.resolver.descriptor_target(who.tid, fd) {
            Ok(target) => target,
            Err(error) => return self.unusual_descriptor(who, fd, &error),
        };
        let files = &mut self.processes.entry(who.pid).or_default().files;
        let is_known =
            files.get(&fd).is_some_and(|known| *known.target == *target && known.generation == generation);
        if !is_known {
            let target: Box<[u8]> = target.into();
            let located = match self.resolver.locate_descriptor(who.tid, fd, &target) {
                Ok(located) => located,
                Err(error) => return self.unusual_descriptor(who, fd, &error),
            };
            self.learn(who, fd, target, located);
        }
        self.processes.get_mut(&who.pid)?.files.get_mut(&fd)
    }

    /// Keeps what was found out about a descriptor; what was told of the same file stays told.
    fn learn(&mut self, who: Who, fd: i32, target: Box<[u8]>, located: Option<Located>) {
        let generation = self.generation;
        let file = located.as_ref().map(|located| self.refer(located));
        let files = &mut self.process(who.pid).files;
        if let Some(known) = files.get_mut(&fd) {
            let identity = |file: &FileRef| (file.text, file.stamp.dev, file.stamp.ino);
            if known.target == target && known.file.as_ref().map(identity) == file.as_ref().map(identity) {
                known.generation = generation;
                return;
            }
        }
        let told = Told::nothing(&target);
        files.insert(fd, OpenFile { target, generation, file, read: told, written: told });
    }

    /// A descriptor whose name the kernel did not give.
    fn unusual_descriptor(&mut self, who: Who, fd: i32, error: &io::Error) -> Option<&mut OpenFile> {
        match error.raw_os_error() {
            // Not open: the call will fail. Or the thread is gone, killed.
            Some(libc::ENOENT | libc::ESRCH | libc::EBADF) => None,
            Some(libc::ENAMETOOLONG) => match self.resolver.locate_long(who.tid, fd) {
                Ok(located) => {
                    let target = located.as_ref().map_or(Vec::new(), |located| located.path.clone());
                    self.learn(who, fd, target.into(), located);
                    self.processes.get_mut(&who.pid)?.files.get_mut(&fd)
                }
                Err(error) => self
                    .unresolved(who, &format!("descriptor {fd}: its path is too long to be told: {error}")),
            },
            _ => self.unresolved(who, &format!("descriptor {fd} cannot be looked at: {error}")),
        }
    }

    pub(crate) fn unresolved<T>(&mut self, who: Who, detail: &str) -> Option<T> {
        self.recorder.tell_gap(GapKind::UnresolvedPath, who.pid.as_pid(), None, detail);
        None
    }

    /// Returns whether the thread's paths mean what they mean here.
    pub(crate) fn is_home(&mut self, who: Who) -> bool {
        let epoch = self.root_epoch;
        if let Some((known_at, is_home)) = self.homes.get(&who.tid)
            && *known_at == epoch
        {
            return *is_home;
        }
        let is_home = self.resolver.is_at_home(who.tid);
        self.homes.insert(who.tid, (epoch, is_home));
        is_home
    }
}
