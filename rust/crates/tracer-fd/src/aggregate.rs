//! Takes events one by one, in the order in which the kernel performed them, and sums them up at the end.

use tracer_schema::stream::{Item, Reader};
use tracer_schema::{
    Act, Coverage, EventFlags, EventKind, Exit, FileStamp, FileSummary, Gap, GapKind, LookupKind,
    LookupSummaries, PathBytes, ProcessRecord, TaskRecord, TextId, TraceEvent,
};

use crate::descriptors::{Descriptors, OpenFile};
use crate::lookups::Lookups;
use crate::namespace::{Change, Namespace, Place};
use crate::processes::{Processes, split_arguments};
use crate::tasks::Tasks;
use crate::texts::{Symbol, Texts};

/// Gaps kept in full; more of them are counted in the last one. A run that hits this has one cause, repeated.
const GAPS_MAX: usize = 1000;

/// Bits of open(2)'s flags that decide what an open does; the same on every Linux architecture that roar knows
/// (include/uapi/asm-generic/fcntl.h).
mod open_flag {
    pub(super) const CREAT: u64 = 0o100;
    pub(super) const TRUNC: u64 = 0o1000;
    pub(super) const CLOEXEC: u64 = 0o2_000_000;
    pub(super) const PATH: u64 = 0o10_000_000;
}

/// What the policy must see of the world once the run is over. The caller looks; the policy does not.
pub trait World {
    /// Returns the file at a path, not following a link, or `None` if there is none.
    fn look(&mut self, path: &[u8]) -> Option<FileStamp>;

    /// Calls `each` for every regular file and symbolic link below a directory, at any depth.
    ///
    /// # Errors
    /// What could not be listed, for a person.
    fn list(&mut self, directory: &[u8], each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String>;
}

/// A run, summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Where the command was started.
    pub cwd: PathBytes,
    /// The command.
    pub command: Vec<PathBytes>,
    /// The root process, 0 if it was never told.
    pub root_pid: u32,
    /// Wall clock at the start, nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Time of the last event, nanoseconds since the start.
    pub duration_ns: u64,
    /// How the root process ended.
    pub exit: Option<Exit>,
    /// How much was seen.
    pub coverage: Coverage,
    /// The processes, in the order of their start.
    pub processes: Vec<ProcessRecord>,
    /// The files, by path and role.
    pub files: Vec<FileSummary>,
    /// The tasks, in the order in which they were told.
    pub tasks: Vec<TaskRecord>,
    /// What was looked up and is no file of the run; which kinds the backend sees is for it to say.
    pub looked_up: LookupSummaries,
    /// Events taken.
    pub events: u64,
}

/// Sums up a run: give it every byte string and event in order, then [`finish`](Self::finish).
#[derive(Default)]
pub struct Aggregator {
    texts: Texts,
    namespace: Namespace,
    descriptors: Descriptors,
    processes: Processes,
    tasks: Tasks,
    lookups: Lookups,
    gaps: Vec<Gap>,
    gaps_more: u64,
    events_lost: u64,
    events: u64,
    start: Option<TraceEvent>,
    exit: Option<Exit>,
    is_ended: bool,
    last_ns: u64,
}

impl Aggregator {
    /// Returns an aggregator that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a whole stream of frames, or as much of it as was written.
    pub fn apply_stream(&mut self, frames: &[u8]) {
        for item in Reader::new(frames) {
            match item {
                Item::Text(id, bytes) => self.define(id, bytes),
                Item::Event(event) => self.apply(&event),
                Item::Unknown(number) => self.add_gap(Gap {
                    kind: GapKind::EventsLost,
                    pid: 0,
                    path: None,
                    detail: format!("an event of unknown kind {number}, from a later version of the tracer"),
                }),
            }
        }
    }

    /// Gives a byte string the id by which later events name it.
    pub fn define(&mut self, id: TextId, bytes: &[u8]) {
        self.texts.define(id, bytes);
    }

    /// Takes a directory for the one in which the run's tasks are told: its path as the kernel has it.
    pub fn watch_tasks(&mut self, directory: &[u8]) {
        self.tasks.watch(directory);
    }

    /// Returns whether the end of the run was told.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Adds something that was not seen.
    pub fn add_gap(&mut self, gap: Gap) {
        if gap.kind == GapKind::EventsLost {
            self.events_lost = self.events_lost.saturating_add(1);
        }
        if self.gaps.contains(&gap) {
            return;
        }
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(gap);
        } else {
            self.gaps_more += 1;
        }
    }

    /// Takes one event.
    pub fn apply(&mut self, event: &TraceEvent) {
        self.events += 1;
        self.last_ns = self.last_ns.max(event.time_ns);
        let (pid, fd, now) = (event.pid, event.fd, event.time_ns);
        if event.kind == EventKind::Truncate && self.tell_task(event) {
            return;
        }
        self.namespace.begin(Act { kind: event.kind, pid, time_ns: now });
        self.tasks.doing(pid, event.tid, &mut self.namespace.doers);
        let last = i32::try_from(event.value).unwrap_or(i32::MAX);
        let is_cloexec = event.flags.has(EventFlags::CLOEXEC);
        let bytes = if event.flags.has(EventFlags::UNCOUNTED) { None } else { Some(event.value) };
        match event.kind {
            EventKind::Text => {}
            EventKind::Start => self.begin(event),
            EventKind::Fork => self.fork(event),
            EventKind::Exec => self.exec(event),
            EventKind::Directory => self.processes.get(pid, now).cwd = self.path_of(event.text),
            EventKind::Exit => {
                self.processes.end(pid, event.value as u32 as i32, now);
                self.descriptors.exit(pid);
                self.tasks.end_process(pid);
            }
            EventKind::End => {
                self.is_ended = true;
                self.exit = Some(Exit::from_wait_status(event.value as u32 as i32));
            }
            EventKind::Gap => self.gap(event),
            EventKind::Open => self.open(event),
            EventKind::Receive => self.receive(event),
            EventKind::Close => self.descriptors.close(pid, fd),
            EventKind::CloseRange if is_cloexec => self.descriptors.set_cloexec(pid, fd, last, true),
            EventKind::CloseRange => self.descriptors.close_range(pid, fd, last),
            EventKind::Duplicate => self.descriptors.duplicate(pid, fd, last, is_cloexec),
            EventKind::CloseOnExec => self.descriptors.set_cloexec(pid, fd, fd, is_cloexec),
            EventKind::Seen => self.with_file(event, |names, texts, place| {
                names.see(texts, place);
            }),
            EventKind::Read | EventKind::Write if event.flags.has(EventFlags::MORE) => {
                self.namespace.count(&event.stamp, pid, event.kind == EventKind::Write, event.value);
            }
            EventKind::Read => {
                self.with_file(event, |names, texts, place| names.read(texts, place, pid, bytes))
            }
            EventKind::MapRead => {
                self.with_file(event, |names, texts, place| names.read(texts, place, pid, None))
            }
            EventKind::Execute => {
                self.with_file(event, |names, texts, place| names.execute(texts, place, pid))
            }
            // write(2) that succeeds with no byte changes nothing.
            EventKind::Write if bytes == Some(0) => {}
            EventKind::Write => self.change(event, bytes, Change::Bytes),
            EventKind::MapWrite => self.change(event, None, Change::Bytes),
            EventKind::Allocate => self.change(event, Some(0), Change::Bytes),
            EventKind::Truncate if event.value == 0 => self.change(event, Some(0), Change::Emptied),
            EventKind::Truncate => self.change(event, Some(0), Change::Bytes),
            EventKind::Create | EventKind::Symlink => {
                self.with_file(event, |names, _, place| names.create(place.path, &place.stamp, pid));
            }
            EventKind::Unlink => self.with_file(event, |names, texts, place| names.unlink(texts, place, pid)),
            EventKind::Found => self.with_file(event, Namespace::found),
            EventKind::Absent => self.look_up(event, LookupKind::Absent),
            EventKind::Listed => self.look_up(event, LookupKind::Listing),
            EventKind::Rename => self.with_second(event, |names, texts, place, to| {
                names.rename(texts, place, to, event.flags.has(EventFlags::EXCHANGE), pid);
            }),
            EventKind::Link => {
                self.with_second(event, |names, texts, place, to| names.link(texts, place, to, pid))
            }
        }
    }

    /// Takes what a runner says of its tasks; returns whether it was that.
    fn tell_task(&mut self, event: &TraceEvent) -> bool {
        let Some(path) = self.texts.symbol(event.text).map(|symbol| self.texts.bytes(symbol)) else {
            return false;
        };
        let is_told = self.tasks.owns(path);
        if is_told {
            self.tasks.tell(path, event.value, event.pid, event.tid, event.time_ns);
        }
        is_told
    }

    fn look_up(&mut self, event: &TraceEvent, kind: LookupKind) {
        let Some(path) = self.texts.symbol(event.text) else { return };
        let is_of_run = kind == LookupKind::Absent && self.namespace.has_named(path);
        if is_of_run || self.tasks.owns(self.texts.bytes(path)) {
            return;
        }
        let Self { lookups, processes, .. } = self;
        lookups.add(path, kind, || processes.get(event.pid, event.time_ns).exe.clone());
    }

    fn path_of(&self, id: TextId) -> PathBytes {
        self.texts.symbol(id).map(|symbol| self.texts.bytes(symbol).into()).unwrap_or_default()
    }

    fn begin(&mut self, event: &TraceEvent) {
        self.start = Some(*event);
        self.namespace.start(event.value as i64);
        self.processes.begin(event.pid, None, event.time_ns);
    }

    fn fork(&mut self, event: &TraceEvent) {
        let child = u32::try_from(event.value).unwrap_or(0);
        if event.flags.has(EventFlags::THREAD) {
            self.tasks.make_thread(event.pid, event.tid, child);
            return;
        }
        self.tasks.make_process(event.pid, event.tid, child);
        if event.flags.has(EventFlags::EXISTED) {
            return;
        }
        self.processes.begin(child, Some(event.pid), event.time_ns);
        self.descriptors.fork(event.pid, child, event.flags.has(EventFlags::SHARED_FILES));
    }

    fn exec(&mut self, event: &TraceEvent) {
        self.descriptors.exec(event.pid);
        let exe = self.path_of(event.text);
        let argv = split_arguments(self.path_of(event.text2).as_bytes());
        let record = self.processes.get(event.pid, event.time_ns);
        record.exe = exe;
        record.argv = argv;
    }

    fn open_file(&self, event: &TraceEvent) -> OpenFile {
        let path = if event.flags.has(EventFlags::NAMELESS) { None } else { self.texts.symbol(event.text) };
        OpenFile { path, stamp: event.stamp, moves: self.namespace.moves.count() }
    }

    fn open(&mut self, event: &TraceEvent) {
        let file = self.open_file(event);
        if event.fd >= 0 {
            let is_cloexec = event.value & open_flag::CLOEXEC != 0;
            self.descriptors.set(event.pid, event.fd, file, is_cloexec);
        }
        let is_of_path_only = event.value & open_flag::PATH != 0;
        if !event.flags.has(EventFlags::EXISTED) {
            if !is_of_path_only && (event.value & open_flag::CREAT != 0 || file.path.is_none()) {
                self.namespace.create(file.path, &file.stamp, event.pid);
            }
            return;
        }
        let place = file.place();
        let is_emptied = !is_of_path_only && event.value & open_flag::TRUNC != 0;
        let is_new =
            is_emptied && event.flags.has(EventFlags::AFTERWARDS) && !self.namespace.knows(&event.stamp);
        // What becomes of the name from now on is known of this file, so that its descriptor can be followed.
        self.namespace.see(&mut self.texts, &place);
        if is_emptied {
            self.namespace.write(&mut self.texts, &place, event.pid, Some(0), Change::Emptied);
        }
        if is_new {
            self.namespace.forget_before(&event.stamp);
        }
    }

    fn receive(&mut self, event: &TraceEvent) {
        let file = self.open_file(event);
        let is_cloexec = event.flags.has(EventFlags::CLOEXEC);
        self.descriptors.set(event.pid, event.fd, file, is_cloexec);
        self.namespace.see(&mut self.texts, &file.place());
    }

    /// Returns the file an event is about: told with it, or else the one its descriptor refers to.
    fn place(&mut self, event: &TraceEvent) -> Option<Place> {
        if event.stamp.is_some() {
            let path =
                if event.flags.has(EventFlags::NAMELESS) { None } else { self.texts.symbol(event.text) };
            return Some(Place { path, stamp: event.stamp, is_stale: false });
        }
        let Some(file) = self.descriptors.get(event.pid, event.fd) else {
            self.add_gap(Gap {
                kind: GapKind::UnresolvedPath,
                pid: event.pid,
                path: None,
                detail: format!("descriptor {} was used, and nothing told what it refers to", event.fd),
            });
            return None;
        };
        let path = file.path.map(|path| {
            let moved = self.namespace.moves.since(file.moves, self.texts.bytes(path));
            moved.map_or(path, |moved| self.texts.intern(&moved))
        });
        Some(Place { path, stamp: file.stamp, is_stale: true })
    }

    fn with_file(&mut self, event: &TraceEvent, act: impl FnOnce(&mut Namespace, &mut Texts, &Place)) {
        if let Some(place) = self.place(event) {
            act(&mut self.namespace, &mut self.texts, &place);
        }
    }

    fn with_second(
        &mut self,
        event: &TraceEvent,
        act: impl FnOnce(&mut Namespace, &mut Texts, &Place, Symbol),
    ) {
        if let Some(second) = self.texts.symbol(event.text2) {
            self.with_file(event, |names, texts, place| act(names, texts, place, second));
        }
    }

    fn change(&mut self, event: &TraceEvent, bytes: Option<u64>, change: Change) {
        let is_new = event.flags.has(EventFlags::AFTERWARDS) && !self.namespace.knows(&event.stamp);
        self.with_file(event, |names, texts, place| names.write(texts, place, event.pid, bytes, change));
        if is_new {
            self.namespace.forget_before(&event.stamp);
        }
    }

    fn gap(&mut self, event: &TraceEvent) {
        let path = self.texts.symbol(event.text).map(|symbol| self.texts.bytes(symbol).into());
        let detail = self.path_of(event.text2).to_string();
        // A kind from a later version is still a gap.
        let kind = GapKind::from_number(event.value).unwrap_or(GapKind::UndecodedCall);
        self.add_gap(Gap { kind, pid: event.pid, path, detail });
        if kind == GapKind::EventsLost {
            // `add_gap` has counted one.
            self.events_lost = self.events_lost.saturating_add(event.value2.saturating_sub(1));
        }
    }

    /// Sums up the run as it is when the last event was told.
    pub fn finish(mut self, world: &mut dyn World) -> RunSummary {
        for directory in self.namespace.moves.listings() {
            // It may have been removed since, or have changed places with a file.
            if !world.look(&directory).is_some_and(|there| there.is_directory()) {
                continue;
            }
            let Self { namespace, texts, .. } = &mut self;
            let listed = world.list(&directory, &mut |path, stamp| {
                let path = Some(texts.intern(path));
                namespace.found(texts, &Place { path, stamp, is_stale: false });
            });
            if let Err(detail) = listed {
                let path = Some(directory.into());
                self.add_gap(Gap { kind: GapKind::UnlistedDirectory, pid: 0, path, detail });
            }
        }
        while let Some(path) = self.namespace.ambiguous() {
            let path = Some(self.texts.bytes(path).into());
            let detail = "the run used several files by this path, in several mount namespaces or before and after a mount: only one of them is told";
            self.add_gap(Gap { kind: GapKind::UnresolvedPath, pid: 0, path, detail: detail.to_owned() });
        }
        let mut files = Vec::new();
        for (file, uses) in self.namespace.summarize(&self.texts, &mut |path| world.look(path)) {
            if !self.tasks.owns(file.path.as_bytes()) {
                self.tasks.add_uses(files.len(), uses);
                files.push(file);
            }
        }
        let looked_up =
            std::mem::take(&mut self.lookups)
                .summarize(&self.texts, &self.namespace, &mut |path| world.look(path));
        if self.gaps_more > 0
            && let Some(last) = self.gaps.last_mut()
        {
            last.detail = format!("{} (and {} more gaps)", last.detail, self.gaps_more);
        }
        let start = self.start;
        RunSummary {
            cwd: start.map(|start| self.path_of(start.text)).unwrap_or_default(),
            command: start
                .map(|start| split_arguments(self.path_of(start.text2).as_bytes()))
                .unwrap_or_default(),
            root_pid: start.map_or(0, |start| start.pid),
            started_unix_ns: start.map_or(0, |start| start.value as i64),
            duration_ns: self.last_ns,
            exit: self.exit,
            coverage: Coverage {
                complete: self.gaps.is_empty() && self.events_lost == 0,
                events_lost: self.events_lost,
                gaps: self.gaps,
            },
            processes: self.processes.into_records(),
            files,
            tasks: self.tasks.into_records(),
            looked_up,
            events: self.events,
        }
    }
}
