//! From entries to events: who did what to which file, in the order of the journal.

mod counters;
mod lookups;
mod programs;

use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustc_hash::{FxHashMap, FxHashSet};
use tracer_host::{Recorder, file_systems::is_view};
use tracer_preload_journal::entry::{ALIAS, Flags as EntryFlags, Stamp};
use tracer_preload_journal::log::{Place, Told};
use tracer_preload_journal::{Entry, Kind};
use tracer_schema::{EventFlags, EventKind, FileStamp, GapKind, TextId, TraceEvent};

use self::counters::Counter;
use crate::clock::Clock;
use crate::images::{Images, Located, program_of, stamp_now};
use crate::journal_file::as_path;
use crate::raw::RawCalls;
use crate::view::View;
use crate::who::Who;

/// How the library works where it sees every call of the C library.
const PATCHED: &str = "patched";

/// open(2) flags that decide something here.
const O_TRUNC: u64 = 0o1000;

/// What is known of a process.
#[derive(Debug, Default)]
struct Process {
    has_ended: bool,
    /// It was told which process made it, or it is the root.
    has_origin: bool,
    /// The program that said hello from it.
    program: Vec<u8>,
    directory: Vec<u8>,
    /// Its root directory; empty where that is the run's.
    root: Vec<u8>,
    /// Counters that its entries go on with: where they are, which kind of event they count for, and how much was told.
    counters: Vec<Counter>,
    /// The program it is about to execute, or has executed, and has not said hello from.
    exec: Option<Exec>,
    /// A second C library was loaded.
    has_other_library: bool,
}

/// The program of a command: its name, and the file that this was before the command began.
#[derive(Debug, Default)]
pub(crate) struct First {
    given: Vec<u8>,
    located: Option<Located>,
}

#[derive(Clone, Debug)]
struct Exec {
    position: u64,
    /// The thread: of a child that borrows the memory of the process that makes it, the one that makes it.
    tid: u32,
    path: Vec<u8>,
    given: Vec<u8>,
    stamp: FileStamp,
    arguments: Vec<u8>,
    /// The root directory at that time, empty where it is the run's.
    root: Vec<u8>,
}

/// Turns entries into events.
pub(crate) struct Collector {
    pub(crate) recorder: Recorder,
    log: View,
    pub(crate) clock: Clock,
    processes: FxHashMap<u32, Process>,
    /// Which processes aliases stand for.
    aliases: FxHashMap<u32, u32>,
    /// Forks that had not happened when they were read: their positions, and whose they are.
    expected: Vec<(u64, Who)>,
    /// Files of which something is counted, by their numbers.
    counted: FxHashSet<(u64, u64)>,
    images: Images,
    raw: RawCalls,
    /// Types of file systems, by device.
    views: FxHashMap<u64, i64>,
    dev_dir: u64,
    /// The path of the library that brings the journal into programs.
    library: Vec<u8>,
    modes: FxHashSet<&'static str>,
    programs: FxHashSet<Vec<u8>>,
}

fn stamp(stamp: &Stamp) -> FileStamp {
    let Stamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink } = *stamp;
    FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink }
}

/// Returns whether the fork told at that position has made that process.
fn has_made(log: &View, position: u64, pid: u32) -> bool {
    matches!(log.look(position), Place::Entry(fork) if fork.value == u64::from(pid))
}

impl Collector {
    pub(crate) fn new(recorder: Recorder, log: View) -> Self {
        let clock = Clock::new(recorder.now_ns());
        Self {
            recorder,
            log,
            clock,
            processes: FxHashMap::default(),
            aliases: FxHashMap::default(),
            expected: Vec::new(),
            counted: FxHashSet::default(),
            images: Images::default(),
            raw: RawCalls::default(),
            views: FxHashMap::default(),
            dev_dir: stamp_now(b"/dev").dev,
            library: crate::library().unwrap_or_default().into_os_string().into_vec(),
            modes: FxHashSet::default(),
            programs: FxHashSet::default(),
        }
    }

    /// Returns how the library worked in the processes of the run.
    pub(crate) fn mode(&self) -> String {
        let mut modes: Vec<&str> = self.modes.iter().copied().collect();
        modes.sort_unstable_by(|a, b| b.cmp(a));
        modes.join(", ")
    }

    /// Looks at the program of a command before the command begins, which may change it.
    pub(crate) fn look_at(&mut self, cwd: &[u8], given: Vec<u8>) -> First {
        let located = self.images.locate(b"", cwd, &given);
        First { given, located }
    }

    /// The command is about to be executed by the process that the collector has made.
    pub(crate) fn begin(&mut self, root: u32, cwd: &[u8], command: &[u8], program: First) {
        self.recorder.tell_start(root, cwd, command);
        let First { given, located } = program;
        let (path, stamp) = located
            .map_or_else(|| (given.clone(), FileStamp::default()), |Located { path, stamp }| (path, stamp));
        let process = self.process(root);
        process.has_origin = true;
        process.directory = cwd.to_vec();
        let arguments = command.to_vec();
        process.exec = Some(Exec { position: 0, tid: 0, path, stamp, given, arguments, root: Vec::new() });
    }

    /// The command could not be executed after all.
    pub(crate) fn not_begun(&mut self, root: u32) {
        self.process(root).exec = None;
    }

    fn process(&mut self, pid: u32) -> &mut Process {
        self.processes.entry(pid).or_default()
    }

    /// Returns the processes that have not ended, as far as is known.
    pub(crate) fn running(&self) -> Vec<u32> {
        self.processes.iter().filter(|(_, process)| !process.has_ended).map(|(pid, _)| *pid).collect()
    }

    /// Returns whether a process was seen to end.
    pub(crate) fn has_ended(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.has_ended)
    }

    /// Returns the number of a process by its name, always the same.
    fn pid(&mut self, name: u32) -> u32 {
        if name & ALIAS == 0 {
            return name;
        }
        if let Some(pid) = self.aliases.get(&name) {
            return *pid;
        }
        let pid = match self.making_of(name) {
            Some(fork) if fork.pid & ALIAS == 0 && fork.value != 0 => fork.value as u32,
            // In a namespace within, where its number means nothing; or its maker has not come to say it yet.
            Some(_) | None => name,
        };
        self.aliases.insert(name, pid);
        pid
    }

    /// Returns the entry of the fork that an alias stands for.
    fn making_of(&self, alias: u32) -> Option<Told<'static>> {
        match self.log.look(u64::from(alias & !ALIAS) * Entry::ALIGN) {
            Place::Entry(fork) => Some(fork),
            Place::Empty | Place::Reserved(_) => None,
        }
    }

    /// Returns the parent of a process that says hello, 0 if that is not known: what it calls it means something only outside namespaces.
    fn parent_of(&mut self, hello: &Told<'static>) -> u32 {
        if hello.pid & ALIAS == 0 {
            return hello.value as u32;
        }
        let parent = self.making_of(hello.pid).map(|fork| fork.pid);
        parent.map_or(0, |parent| self.pid(parent))
    }

    fn event(&mut self, kind: EventKind, told: &Told<'_>) -> TraceEvent {
        let Who { pid, tid } = self.who(told);
        TraceEvent::new(kind, self.clock.ns(told.time), pid, tid)
    }

    fn who(&mut self, told: &Told<'_>) -> Who {
        let pid = self.pid(told.pid);
        Who { pid, tid: if told.tid == 0 { pid } else { told.tid } }
    }

    /// Returns the path of an entry, its own or that of the one it refers to.
    fn path(&self, told: &Told<'static>) -> &'static [u8] {
        if !told.path.is_empty() || told.path_at == 0 {
            return told.path;
        }
        match self.log.look(told.path_at) {
            Place::Entry(named) => named.path,
            Place::Empty | Place::Reserved(_) => b"",
        }
    }

    /// Returns the file of an entry, and its path; `None` if it is none that the model speaks of.
    fn located(&mut self, told: &Told<'static>) -> Option<(TextId, FileStamp)> {
        let path = self.path(told);
        let mut found = stamp(&told.stamp);
        if told.flags.has(EntryFlags::UNSTAMPED) && !path.is_empty() {
            found = stamp_now(path);
        }
        if !(found.is_regular() || found.is_symlink()) || self.is_view(&found, path) {
            return None;
        }
        // Debuggers look at it as at any library; without roar it would not be there.
        if path == self.library {
            return None;
        }
        if path.is_empty() && !told.flags.has(EntryFlags::NAMELESS) {
            let pid = self.pid(told.pid);
            self.recorder.tell_gap(
                GapKind::UnresolvedPath,
                pid,
                None,
                "a file was used whose path was not told",
            );
            return None;
        }
        let is_named = !told.flags.has(EntryFlags::NAMELESS);
        let text = if is_named { self.recorder.text(path) } else { TextId::NONE };
        Some((text, found))
    }

    fn is_view(&mut self, file: &FileStamp, path: &[u8]) -> bool {
        let dev_dir = self.dev_dir;
        let kind = match self.views.get(&file.dev) {
            Some(kind) => *kind,
            None => {
                // In a mount namespace of its own a process may have another.
                let is_proc = path.starts_with(b"/proc/").then_some(libc::PROC_SUPER_MAGIC);
                let kind = file_system_type(path, file.dev).or(is_proc);
                if let Some(kind) = kind {
                    self.views.insert(file.dev, kind);
                }
                kind.unwrap_or(0)
            }
        };
        is_view(kind, file.dev == dev_dir, path)
    }

    /// Takes an entry that is complete.
    pub(crate) fn take(&mut self, told: &Told<'static>) {
        use tracer_preload_journal::State;
        let Some(kind) = told.kind else {
            self.recorder.tell_gap(
                GapKind::EventsLost,
                told.pid,
                None,
                "an entry of the journal cannot be understood",
            );
            return;
        };
        if told.state == State::Void {
            return;
        }
        let pid = self.pid(told.pid);
        if !self.processes.contains_key(&pid) || self.has_ended(pid) {
            self.find_fork(pid, self.clock.ns(told.time));
        }
        self.process(pid);
        match kind {
            Kind::Hello => self.hello(told),
            Kind::Arguments => self.arguments(told),
            Kind::Directory => self.directory(told),
            Kind::Images => self.images_of(told),
            Kind::Exec => self.exec(told),
            Kind::Fork => self.fork(told),
            Kind::Exit => self.ended(pid, told.value as u32, self.clock.ns(told.time)),
            // In a namespace of its own a process calls its children by numbers that mean nothing here.
            Kind::Reaped if told.pid & ALIAS != 0 => {}
            Kind::Reaped => self.ended(told.value as u32, told.value2 as u32, self.clock.ns(told.time)),
            // Answered already, by a thread of its own.
            Kind::Path | Kind::Unplanned => {}
            Kind::Gap => self.gap(told),
            Kind::Read => self.transfer(EventKind::Read, told),
            Kind::Write => self.transfer(EventKind::Write, told),
            Kind::Open => self.open(told),
            Kind::Seen => self.plain(EventKind::Seen, told),
            Kind::MapRead => self.mapped(told),
            Kind::MapWrite => self.plain(EventKind::MapWrite, told),
            Kind::Truncate => self.plain(EventKind::Truncate, told),
            Kind::Allocate => self.plain(EventKind::Allocate, told),
            Kind::Create => self.plain(EventKind::Create, told),
            Kind::Unlink => self.plain(EventKind::Unlink, told),
            Kind::Execute => self.plain(EventKind::Execute, told),
            Kind::Absent => self.absent(told),
            Kind::Listed => self.listed(told),
            Kind::Symlink => self.two(EventKind::Symlink, told),
            Kind::Rename => self.two(EventKind::Rename, told),
            Kind::Link => self.two(EventKind::Link, told),
        }
    }

    fn fill(&mut self, kind: EventKind, told: &Told<'static>) -> Option<TraceEvent> {
        let mut event = self.event(kind, told);
        (event.text, event.stamp) = self.located(told)?;
        if !event.text.is_some() {
            event.flags = event.flags.with(EventFlags::NAMELESS);
        }
        Some(event)
    }

    fn plain(&mut self, kind: EventKind, told: &Told<'static>) {
        if let Some(mut event) = self.fill(kind, told) {
            event.value = told.value;
            if kind == EventKind::Create {
                self.settle_number(&event.stamp);
            }
            self.recorder.tell(&event);
        }
    }

    fn mapped(&mut self, told: &Told<'static>) {
        let is_image = told.flags.has(EntryFlags::IMAGE);
        let path = self.path(told);
        if is_image && !path.is_empty() {
            let located = Located { path: path.to_vec(), stamp: stamp(&told.stamp) };
            let pid = self.pid(told.pid);
            self.loaded(pid, &located);
            self.loaded_anew(pid, path);
        }
        self.plain(EventKind::MapRead, told);
    }

    fn two(&mut self, kind: EventKind, told: &Told<'static>) {
        // A directory that is renamed takes the files below it along.
        let found = stamp(&told.stamp);
        let filled = if kind == EventKind::Rename && found.is_directory() {
            let mut event = self.event(kind, told);
            event.text = self.recorder.text(told.path);
            event.stamp = found;
            Some(event)
        } else {
            self.fill(kind, told)
        };
        let Some(mut event) = filled else { return };
        event.text2 = self.recorder.text(told.text2);
        if kind == EventKind::Symlink {
            self.settle_number(&event.stamp);
        }
        if told.flags.has(EntryFlags::EXCHANGE) {
            event.flags = event.flags.with(EventFlags::EXCHANGE);
        }
        self.recorder.tell(&event);
    }

    fn open(&mut self, told: &Told<'static>) {
        if let Some(mut event) = self.fill(EventKind::Open, told) {
            event.value = told.value;
            if told.flags.has(EntryFlags::EXISTED) {
                event.flags = event.flags.with(EventFlags::EXISTED);
            } else {
                self.settle_number(&event.stamp);
            }
            if told.flags.has(EntryFlags::AFTERWARDS) {
                event.flags = event.flags.with(EventFlags::AFTERWARDS);
            }
            self.recorder.tell(&event);
        }
    }

    fn transfer(&mut self, kind: EventKind, told: &Told<'static>) {
        let Some(mut event) = self.fill(kind, told) else { return };
        event.value = told.value;
        if told.flags.has(EntryFlags::UNCOUNTED) {
            event.flags = event.flags.with(EventFlags::UNCOUNTED);
        } else {
            let (text, stamp) = (event.text, event.stamp);
            let counter = Counter { position: told.position, kind, told: told.value, text, stamp };
            self.counted.insert((stamp.dev, stamp.ino));
            self.process(event.pid).counters.push(counter);
        }
        self.recorder.tell(&event);
    }

    fn fork(&mut self, told: &Told<'static>) {
        let parent = self.who(told);
        let time_ns = self.clock.ns(told.time);
        if told.pid & ALIAS != 0 {
            // Its number means nothing here; its name is where this entry stands.
            let child = self.pid(ALIAS | (told.position / Entry::ALIGN) as u32);
            self.made(parent, child, time_ns);
        } else if told.value != 0 {
            self.made(parent, told.value as u32, time_ns);
        } else {
            // Not made yet: the child is known when it speaks, or when it is waited for.
            self.expected.push((told.position, parent));
        }
    }

    /// A process that was not known speaks: it is looked for among those that were about to be made.
    fn find_fork(&mut self, pid: u32, time_ns: u64) {
        let log = self.log;
        if let Some(index) = self.expected.iter().position(|(position, _)| has_made(&log, *position, pid)) {
            let (_, parent) = self.expected.swap_remove(index);
            self.made(parent, pid, time_ns);
        }
    }

    fn made(&mut self, parent: Who, child: u32, time_ns: u64) {
        if self.processes.contains_key(&child) && !self.has_ended(child) {
            return;
        }
        let Process { program, directory, root, .. } = self.process(parent.pid);
        let (program, directory, root) = (program.clone(), directory.clone(), root.clone());
        self.processes
            .insert(child, Process { has_origin: true, program, directory, root, ..Process::default() });
        let mut event = TraceEvent::new(EventKind::Fork, time_ns, parent.pid, parent.tid);
        event.value = child.into();
        self.recorder.tell(&event);
    }

    /// A process has ended.
    pub(crate) fn ended(&mut self, pid: u32, status: u32, time_ns: u64) {
        if self.has_ended(pid) {
            return;
        }
        if !self.processes.contains_key(&pid) {
            self.find_fork(pid, time_ns);
        }
        // Another that is called the same later is not this one.
        let log = self.log;
        self.expected.retain(|(position, _)| !has_made(&log, *position, pid));
        self.unsaid(pid, Some(status));
        self.settle(pid);
        self.process(pid).has_ended = true;
        let mut event = TraceEvent::new(EventKind::Exit, time_ns, pid, pid);
        event.value = status.into();
        self.recorder.tell(&event);
    }

    fn tell_located(&mut self, kind: EventKind, told: &Told<'static>, located: &Located) {
        if !located.stamp.is_regular() {
            return;
        }
        let mut event = self.event(kind, told);
        event.text = self.recorder.text(&located.path);
        if located.path.is_empty() {
            event.flags = event.flags.with(EventFlags::NAMELESS);
        }
        event.stamp = located.stamp;
        self.recorder.tell(&event);
    }

    fn arguments(&mut self, _told: &Told<'static>) {}

    fn directory(&mut self, told: &Told<'static>) {
        let mut event = self.event(EventKind::Directory, told);
        event.text = self.recorder.text(told.path);
        self.process(event.pid).directory = told.path.to_vec();
        self.recorder.tell(&event);
    }

    fn gap(&mut self, told: &Told<'static>) {
        let pid = self.pid(told.pid);
        let kind = GapKind::from_number(told.value).unwrap_or(GapKind::UndecodedCall);
        let path = if told.path.is_empty() { self.program(pid) } else { Some(told.path.to_vec()) };
        let words = String::from_utf8_lossy(told.text2).into_owned();
        self.recorder.tell_gap(kind, pid, path.as_deref(), &words);
    }

    fn program(&self, pid: u32) -> Option<Vec<u8>> {
        let known = self.processes.get(&pid).map(|process| process.program.clone());
        let running = || program_of(pid).map(|path| path.as_os_str().as_bytes().to_vec());
        known.filter(|program| !program.is_empty()).or_else(running)
    }

    /// A process was killed in the middle of a call. A write that was under way counts; of a name it is looked at whether it changed.
    pub(crate) fn cut_short(&mut self, told: &Told<'static>) {
        let Some(kind) = told.kind else { return };
        let is_same = FileStamp::is_same_file;
        let before = stamp(&told.stamp);
        let path = self.path(told);
        let mut happened = *told;
        let has_happened = match kind {
            Kind::Write => {
                happened.flags = happened.flags.with(EntryFlags::UNCOUNTED);
                true
            }
            Kind::Truncate | Kind::Allocate | Kind::MapWrite => true,
            Kind::Open if told.flags.has(EntryFlags::EXISTED) => told.value & O_TRUNC != 0,
            Kind::Open | Kind::Create | Kind::Symlink => {
                happened.flags = happened.flags.with(EntryFlags::UNSTAMPED);
                stamp_now(path).is_some()
            }
            Kind::Unlink => !is_same(&stamp_now(path), &before),
            Kind::Rename | Kind::Link => is_same(&stamp_now(told.text2), &before),
            Kind::Hello
            | Kind::Arguments
            | Kind::Directory
            | Kind::Images
            | Kind::Exec
            | Kind::Fork
            | Kind::Exit
            | Kind::Reaped
            | Kind::Path
            | Kind::Gap
            | Kind::Unplanned
            | Kind::Read
            | Kind::Seen
            | Kind::MapRead
            | Kind::Execute
            | Kind::Absent
            | Kind::Listed => false,
        };
        if has_happened {
            self.take(&happened);
        }
    }

    /// The run is over: what was left open is told.
    pub(crate) fn finish(&mut self) {
        for pid in self.processes.keys().copied().collect::<Vec<_>>() {
            if !self.has_ended(pid) {
                self.unsaid(pid, None);
                self.settle(pid);
            }
        }
        self.raw.keep();
        let head = self.log.head();
        let lost = head.lost.load(std::sync::atomic::Ordering::Relaxed);
        if lost > 0 {
            let why = match head.loss.load(std::sync::atomic::Ordering::Relaxed) {
                1 => "no memory was left for the journal in /dev/shm",
                2 => "the journal could not be mapped: is the address space limited (`ulimit -v`)?",
                _ => "the journal is as long as it may become",
            };
            self.recorder.tell_loss(lost, why);
        }
    }

    /// A descendant runs on.
    pub(crate) fn tell_left(&mut self, pid: u32) {
        let exe = self.program(pid);
        let detail =
            "still running when the run was over: what it did later was not seen (see run.linger_ms)";
        self.recorder.tell_gap(GapKind::DescendantLeft, pid, exe.as_deref(), detail);
    }
}

/// Returns the type of the file system that a device is, asked by a path on it.
fn file_system_type(path: &[u8], dev: u64) -> Option<i64> {
    let mut at = as_path(path);
    loop {
        if let (Ok(found), Ok(system)) = (fs::symlink_metadata(at), rustix::fs::statfs(at)) {
            return (std::os::unix::fs::MetadataExt::dev(&found) == dev).then_some(system.f_type);
        }
        at = at.parent()?;
    }
}
