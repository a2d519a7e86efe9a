//! Takes the events of a run from a tracer: into the policy at once, and into a spool file that outlives the tracer.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustc_hash::FxHashMap;
use tracer_fd::{Aggregator, RunSummary};
use tracer_schema::stream::put_text;
use tracer_schema::{EventKind, GapKind, Pid, TextId, TraceEvent};

use crate::log::Log;
use crate::world::Disk;

/// Name of the spool in the run directory.
pub const SPOOL_FILE: &str = "events";

/// Name of the directory in the run directory where runners tell of tasks, if roar has made it.
pub const TASKS_DIR: &str = "tasks";

/// Bytes gathered before they are written although the tracee has not been resumed: an exec with a long argument list
/// is the largest thing told at once.
const PENDING_BYTES_MAX: usize = 256 * 1024;

/// Returns whether a tracer still writes to the spool in `run_dir`.
pub fn is_spool_in_use(run_dir: &Path) -> bool {
    let Ok(spool) = File::open(run_dir.join(SPOOL_FILE)) else {
        return false;
    };
    matches!(spool.try_lock(), Err(TryLockError::WouldBlock))
}

/// Has what is told of tasks looked for in the run directory, if roar has made a place for it there.
pub(crate) fn watch_tasks(aggregator: &mut Aggregator, run_dir: &Path) {
    if let Ok(directory) = std::fs::canonicalize(run_dir.join(TASKS_DIR)) {
        aggregator.watch_tasks(directory.as_os_str().as_encoded_bytes());
    }
}

/// Takes the events of a run.
///
/// What was told is in the kernel's hands after [`flush`](Self::flush), which the tracer calls before it resumes the
/// tracee: then not even `kill -9` of everyone loses it.
pub struct Recorder {
    aggregator: Aggregator,
    spool: Option<File>,
    /// Only what was started is spooled.
    spools_start_only: bool,
    has_started: bool,
    pending: Vec<u8>,
    ids: FxHashMap<Box<[u8]>, TextId>,
    started: Instant,
    log: Option<Log>,
}

/// The start of a run that is not in the spool yet.
pub struct Announcement {
    spool: Option<File>,
    frames: Vec<u8>,
    event: TraceEvent,
}

impl Announcement {
    /// Writes it, in the process itself that will be the command; async-signal-safe.
    pub fn write(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        self.event.pid = std::process::id();
        self.event.tid = self.event.pid;
        // There is room for it: nothing is allocated.
        self.frames.extend_from_slice(&self.event.to_frame());
        // A full disk costs the insurance, not the record.
        let _uninsured = spool.write_all(&self.frames);
    }
}

impl Recorder {
    /// Returns a recorder that spools into `run_dir`.
    ///
    /// Without a spool it records all the same: what is missing then is the insurance against a crash.
    pub fn new(run_dir: &Path) -> Self {
        let opened = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(run_dir.join(SPOOL_FILE));
        // Locked for as long as the tracer works: see `is_spool_in_use`.
        let opened = opened.and_then(|file| file.try_lock().map(|()| file).map_err(io::Error::from));
        Self::with(opened.ok()).with_tasks_of(run_dir)
    }

    fn with(spool: Option<File>) -> Self {
        Self {
            aggregator: Aggregator::new(),
            spool,
            spools_start_only: false,
            has_started: false,
            pending: Vec::with_capacity(4096),
            ids: FxHashMap::default(),
            started: Instant::now(),
            log: None,
        }
    }

    /// Returns a recorder of a tracer that keeps its events elsewhere: the spool says what was started, and by its lock that the
    /// tracer works.
    pub fn without_spool(run_dir: &Path) -> Self {
        Self { spools_start_only: true, ..Self::new(run_dir) }
    }

    /// Returns a recorder that keeps nothing outside this process.
    pub fn in_memory(run_dir: &Path) -> Self {
        Self::with(None).with_tasks_of(run_dir)
    }

    /// See [`watch_tasks`].
    fn with_tasks_of(mut self, run_dir: &Path) -> Self {
        watch_tasks(&mut self.aggregator, run_dir);
        self
    }

    /// Writes every event in words to the log in `run_dir` from now on.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn log_to(&mut self, run_dir: &Path) -> io::Result<()> {
        self.log = Some(Log::open(run_dir)?);
        Ok(())
    }

    /// Writes a remark to the log, if there is one.
    pub fn note(&mut self, words: &str) {
        if let Some(log) = &mut self.log {
            log.note(words);
        }
    }

    /// Returns the time since the start of the run, nanoseconds.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns an event of now.
    pub fn event(&self, kind: EventKind, pid: Pid, tid: Pid) -> TraceEvent {
        TraceEvent::new(kind, self.now_ns(), pid, tid)
    }

    /// Returns the id of a byte string, telling it if it is new.
    pub fn text(&mut self, bytes: &[u8]) -> TextId {
        if let Some(id) = self.ids.get(bytes) {
            return *id;
        }
        let id = TextId(u32::try_from(self.ids.len() + 1).expect("a run names fewer than 2^32 strings"));
        self.ids.insert(bytes.into(), id);
        self.aggregator.define(id, bytes);
        if let Some(log) = &mut self.log {
            log.define(bytes);
        }
        if self.is_spooled() {
            put_text(&mut self.pending, id, bytes);
        }
        id
    }

    fn is_spooled(&self) -> bool {
        self.spool.is_some() && !(self.spools_start_only && self.has_started)
    }

    /// Tells an event.
    pub fn tell(&mut self, event: &TraceEvent) {
        self.take(event);
        if self.is_spooled() {
            self.pending.extend_from_slice(&event.to_frame());
            if self.pending.len() > PENDING_BYTES_MAX {
                self.flush();
            }
        }
    }

    /// Takes an event into the policy.
    fn take(&mut self, event: &TraceEvent) {
        self.aggregator.apply(event);
        if let Some(log) = &mut self.log {
            log.write(event);
        }
    }

    /// Returns the start of a run, for the process to write that will be the command: by then nobody else knows its number, and
    /// whoever is killed, the command has not run or can be found. The spool is not told of the start again.
    pub fn announce(&mut self, cwd: &[u8], command: &[u8]) -> Announcement {
        let event = self.start_event(0, cwd, command);
        let mut frames = std::mem::take(&mut self.pending);
        frames.reserve_exact(event.to_frame().len());
        self.has_started = true;
        // Without a spool the command runs all the same.
        Announcement { spool: self.spool.as_ref().and_then(|spool| spool.try_clone().ok()), frames, event }
    }

    /// Tells the start of the run, with the wall clock of now.
    pub fn tell_start(&mut self, root: Pid, cwd: &[u8], command: &[u8]) {
        let event = self.start_event(root, cwd, command);
        if self.has_started {
            // Whoever was announced has told the spool.
            self.take(&event);
        } else {
            self.tell(&event);
        }
        if self.spools_start_only {
            self.flush();
        }
        self.has_started = true;
    }

    fn start_event(&mut self, root: Pid, cwd: &[u8], command: &[u8]) -> TraceEvent {
        let mut event = self.event(EventKind::Start, root, root);
        event.text = self.text(cwd);
        event.text2 = self.text(command);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        event.value = u64::try_from(wall.as_nanos()).unwrap_or(0).saturating_sub(event.time_ns);
        event
    }

    /// Tells that something was not seen.
    pub fn tell_gap(&mut self, kind: GapKind, pid: Pid, path: Option<&[u8]>, detail: &str) {
        let mut event = self.event(EventKind::Gap, pid, pid);
        event.value = kind as u64;
        if let Some(path) = path {
            event.text = self.text(path);
        }
        event.text2 = self.text(detail.as_bytes());
        self.tell(&event);
    }

    /// Tells that so many events were not delivered, at least one, and why.
    pub fn tell_loss(&mut self, count: u64, why: &str) {
        let mut event = self.event(EventKind::Gap, 0, 0);
        event.value = GapKind::EventsLost as u64;
        event.value2 = count;
        event.text2 = self.text(why.as_bytes());
        self.tell(&event);
    }

    /// Hands what was told to the kernel.
    pub fn flush(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
        if self.pending.is_empty() {
            return;
        }
        if let Some(Err(_)) = self.spool.as_mut().map(|spool| spool.write_all(&self.pending)) {
            // A full disk costs the insurance, not the record: that is in memory.
            self.spool = None;
        }
        self.pending.clear();
    }

    /// Sums up the run.
    pub fn finish(mut self) -> RunSummary {
        self.flush();
        self.aggregator.finish(&mut Disk)
    }
}
