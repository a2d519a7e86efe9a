//! A run: from the launch of the command to the report.
//!
//! # Safety
//!
//! What the child does before exec is async-signal-safe; waiting and polling are calls with places that live through them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use tracer_host::signals::Roar;
use tracer_host::{
    ChildrenQueue, Orphans, Recorder, Spawned, ToRoar, TracerArguments, change_of, cpu_time_ns,
    deliver_report, exit_status_of, join_words, report_of, spawn_command,
};
use tracer_schema::{EventKind, TracerReport, TracerStats};

use crate::answers::Answers;
use crate::collector::Collector;
use crate::env;
use crate::journal_file::JournalFile;
use crate::plans::plans;
use crate::reader::{Reader, Taken};

/// The journal is looked at this often while much is told, and ever less often while nothing is.
const LOOK_MIN: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_millis(100);

/// Whether descendants have ended is looked at this often once the command has.
const LINGER_LOOK: Duration = Duration::from_millis(2);

/// A run under way.
pub(crate) struct Run {
    pub(crate) collector: Collector,
    pub(crate) reader: Reader,
    pub(crate) root: libc::pid_t,
    /// Wait status of the root, when it has ended and that is known.
    pub(crate) status: Option<i32>,
    /// Descendants that have outlived their parents, where they come to this process.
    pub(crate) orphans: Option<Orphans>,
}

/// Runs the command, and reports.
///
/// # Errors
/// The command could not be started, or the report not be made; the command has run if it was started.
pub(crate) fn trace(
    arguments: &TracerArguments,
    roar: Option<&Roar>,
    library: &Path,
    mask: &libc::sigset_t,
) -> io::Result<()> {
    let limits = raise_limits();
    let journal = JournalFile::create(&arguments.run_dir)?;
    let traced = trace_into(&journal, arguments, roar, library, mask, &limits);
    journal.remove();
    let message = traced?;
    if let Some(roar) = roar {
        roar.tell(message);
        roar.see_awake();
    }
    Ok(())
}

fn trace_into(
    journal: &JournalFile,
    arguments: &TracerArguments,
    roar: Option<&Roar>,
    library: &Path,
    mask: &libc::sigset_t,
    limits: &Limits,
) -> io::Result<ToRoar> {
    let is_patching = !env::is_patching_refused();
    if is_patching {
        // Without plans the library hooks functions instead.
        let _unplanned = journal.add_plans(&plans(&journal.directory));
        Answers::announce(journal);
    }
    let mut recorder = if arguments.wants_spool {
        Recorder::new(&arguments.run_dir)
    } else {
        Recorder::without_spool(&arguments.run_dir)
    };
    if arguments.wants_log {
        // Without a log the run is as good as with one.
        let _unlogged = recorder.log_to(&arguments.run_dir);
    }
    // SAFETY: no other thread runs yet.
    unsafe { env::bring_along(&journal.loadable(library)?, &journal.path) };
    let children = ChildrenQueue::new()?;
    let mut orphans = Orphans::adopt();
    let mut collector = Collector::new(recorder, journal.log);
    let cwd = fs::read_link("/proc/self/cwd").unwrap_or_default();
    let mut announcement =
        collector.recorder.announce(cwd.as_os_str().as_bytes(), &join_words(&arguments.command));
    let program = find_program(arguments.command.first()).unwrap_or_default();
    let program = collector.look_at(cwd.as_os_str().as_bytes(), program);
    let prepare = || {
        announcement.write();
        limits.restore();
        Ok(0)
    };
    // SAFETY: `prepare` calls getpid, write and setrlimit and nothing else.
    let spawned = unsafe { spawn_command(&arguments.command, mask, prepare) }?;
    let answers = is_patching.then(|| Answers::begin(journal));
    let root = spawned.pid;
    collector.begin(root as u32, cwd.as_os_str().as_bytes(), &join_words(&arguments.command), program);
    let running = Arc::new(AtomicI32::new(root));
    if let Some(roar) = roar {
        roar.tell(ToRoar::Started(root as u32));
        roar.listen(Arc::clone(&running));
    }
    orphans.made(root as u32);
    let reader = Reader::new(journal.log);
    let mut run = Run { collector, reader, root, status: None, orphans: Some(orphans) };
    run.wait(&children, roar)?;
    if let (Some(roar), Some(status)) = (roar, run.status) {
        // Should this process be killed, nobody else knows.
        roar.tell(ToRoar::Ended(status));
    }
    running.store(0, Ordering::Release);
    let errno = outcome(spawned);
    if errno.is_some() {
        run.collector.not_begun(root as u32);
    }
    run.linger(Duration::from_millis(arguments.linger_ms));
    drop(answers);
    journal.log.head().is_over.store(1, Ordering::Release);
    run.read(true);
    run.tell_left();
    let status = errno.map_or(run.status.unwrap_or(0), |errno| exit_status_of(errno) << 8);
    report(arguments, roar, run.collector, status)?;
    Ok(errno.map_or(ToRoar::Reported, ToRoar::NotExecuted))
}

fn outcome(spawned: Spawned) -> Option<i32> {
    spawned.outcome().ok().and_then(|outcome| outcome.errno)
}

/// Limits that are another one's for the tracer than for the command.
struct Limits([Option<(u32, libc::rlimit)>; 2]);

/// Raises the limits of open files and of the length of files for the tracer: the journal is sparse, and long.
fn raise_limits() -> Limits {
    Limits([libc::RLIMIT_NOFILE, libc::RLIMIT_FSIZE].map(|resource| {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a valid place.
        if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
            return None;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        // SAFETY: a valid limit; being refused it changes nothing.
        unsafe { libc::setrlimit(resource, &raw const raised) };
        Some((resource, limit))
    }))
}

impl Limits {
    /// Gives the command what it would have; async-signal-safe.
    fn restore(&self) {
        for (resource, limit) in self.0.iter().flatten() {
            // SAFETY: a valid limit, no higher than the hard one it was read with.
            unsafe { libc::setrlimit(*resource, limit) };
        }
    }
}

/// Returns the path by which execvp(3) will execute the command.
fn find_program(name: Option<&OsString>) -> Option<Vec<u8>> {
    let name = name?.as_bytes();
    if name.contains(&b'/') {
        return Some(name.to_vec());
    }
    std::env::split_paths(&env::search_path())
        .map(|directory| directory.join(std::ffi::OsStr::from_bytes(name)))
        .find(|path| {
            fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
        .map(|path| path.as_os_str().as_bytes().to_vec())
}

/// Returns whether a process runs: it is there, and no zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the name, which is in parentheses and may hold any byte (proc_pid_stat(5)).
    let state = stat.iter().rposition(|byte| *byte == b')').and_then(|end| stat.get(end + 2));
    !matches!(state, None | Some(b'Z' | b'X'))
}

impl Run {
    /// Collects until the root has ended.
    fn wait(&mut self, children: &ChildrenQueue, roar: Option<&Roar>) -> io::Result<()> {
        let mut pause = LOOK_MIN;
        let mut is_stopped = false;
        loop {
            while let Some(status) = change_of(self.root)? {
                // That it went on is not told of one that has stopped again, or ended, before it was asked for.
                if is_stopped && let Some(roar) = roar {
                    roar.wake();
                }
                is_stopped = libc::WIFSTOPPED(status);
                if is_stopped {
                    if let Some(roar) = roar {
                        roar.stop(libc::WSTOPSIG(status));
                    }
                } else if !libc::WIFCONTINUED(status) {
                    self.status = Some(status);
                    return Ok(());
                }
            }
            if children.wait(pause)
                && let Some(orphans) = &self.orphans
            {
                orphans.reap_all_but(self.root);
            }
            pause = if self.read(false) > 0 { LOOK_MIN } else { (pause * 2).min(LOOK_MAX) };
        }
    }

    /// Takes what the journal has, and returns how many entries that was.
    pub(crate) fn read(&mut self, is_over: bool) -> usize {
        let count = self.take_all(is_over);
        self.collector.recorder.flush();
        count
    }

    fn take_all(&mut self, is_over: bool) -> usize {
        let Self { collector, reader, .. } = self;
        let now = collector.recorder.now_ns();
        collector.clock.read(now);
        let mut count = 0;
        loop {
            let taken = {
                let mut is_alive = |pid: u32| !collector.has_ended(pid) && is_running(pid);
                reader.next(is_over, &mut is_alive)
            };
            match taken {
                None => return count,
                Some(Taken::Whole(told)) => collector.take(&told),
                Some(Taken::CutShort(told)) => collector.cut_short(&told),
                Some(Taken::Nothing) => {}
            }
            count += 1;
        }
    }

    /// Collects from descendants until they have ended, or their time is over.
    pub(crate) fn linger(&mut self, time: Duration) {
        self.read(false);
        if let Some(status) = self.status {
            let now = self.collector.recorder.now_ns();
            self.collector.ended(self.root as u32, status as u32, now);
        }
        let end = Instant::now() + time;
        while self.has_descendants() && Instant::now() < end {
            std::thread::park_timeout(LINGER_LOOK);
            self.read(false);
        }
    }

    /// Returns whether there are any, known by what they told, or not yet.
    fn has_descendants(&self) -> bool {
        let has_orphans = self.orphans.as_ref().is_some_and(|orphans| orphans.remain_but(self.root));
        has_orphans || self.collector.running().into_iter().any(is_running)
    }

    pub(crate) fn tell_left(&mut self) {
        let mut left: Vec<u32> =
            self.collector.running().into_iter().filter(|pid| is_running(*pid)).collect();
        left.sort_unstable();
        for pid in left {
            self.collector.tell_left(pid);
        }
        self.collector.finish();
    }
}

/// Sums up and reports: into the run directory, so that the report outlives everyone, or, where that is full, to `roar`.
fn report(
    arguments: &TracerArguments,
    roar: Option<&Roar>,
    collector: Collector,
    status: i32,
) -> io::Result<()> {
    let report = sum_up(collector, status);
    deliver_report(&report, &arguments.run_dir, roar.map(Roar::control))
}

pub(crate) fn sum_up(mut collector: Collector, status: i32) -> TracerReport {
    let mut end = collector.recorder.event(EventKind::End, 0, 0);
    end.value = status as u32 as u64;
    collector.recorder.tell(&end);
    let kinds = collector.lookups_seen();
    let stats = TracerStats { overhead_ns: cpu_time_ns(), mode: collector.mode(), ..TracerStats::default() };
    report_of(collector.recorder.finish(), "preload", kinds, stats)
}
