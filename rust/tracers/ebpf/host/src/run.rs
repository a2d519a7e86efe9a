//! A run: from the launch of the command to the report.
//!
//! # Safety
//!
//! What the child does before exec is async-signal-safe; waiting and polling are calls with places that live through them.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use tracer_host::signals::Roar;
use tracer_host::{
    ChildrenQueue, Orphans, Recorder, ToRoar, TracerArguments, change_of, cpu_time_ns, deliver_report,
    exit_status_of, join_words, report_of, spawn_command, stamp_of,
};
use tracer_schema::{EventKind, FileStamp, GapKind, LookupKind, TracerStats};

use crate::collector::{Collector, Told};
use crate::losses::Loss;
use crate::privileges::{self, Original};
use crate::probe::Probe;

/// The ring is looked at this often while much is told, and ever less often while nothing is.
const LOOK_MIN: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_millis(100);

/// Whether descendants have ended is looked at this often once the command has.
const LINGER_LOOK: Duration = Duration::from_millis(2);

struct Run {
    probe: Probe,
    collector: Collector,
    root: libc::pid_t,
    status: Option<i32>,
    orphans: Orphans,
    /// The working directory, as this process sees it.
    cwd: Vec<u8>,
    /// Events from before it was known where the root directory is.
    early: Vec<Vec<u8>>,
}

/// Runs the command, and reports.
///
/// # Errors
/// The command could not be started, or the report not be made; the command has run if it was started.
pub(crate) fn trace(
    mut probe: Probe,
    arguments: &TracerArguments,
    roar: Option<&Roar>,
    mask: &libc::sigset_t,
) -> io::Result<()> {
    let mut recorder = Recorder::new(&arguments.run_dir);
    if arguments.wants_log {
        // Without a log the run is as good as with one.
        let _unlogged = recorder.log_to(&arguments.run_dir);
        for (program, time) in &probe.looked {
            recorder.note(&format!("the kernel took {} us to load {program}", time.as_micros()));
        }
    }
    let children = ChildrenQueue::new()?;
    let mut orphans = Orphans::adopt();
    let mut collector = Collector::new(recorder, probe.finds);
    let cwd = fs::read_link("/proc/self/cwd").unwrap_or_default();
    let command = join_words(&arguments.command);
    let original = Original::find(arguments.origin);
    let files = inherited_files();
    let prepare = || {
        original.restore();
        Ok(0)
    };
    // The kernel side takes the first child of this thread for the command.
    // SAFETY: `prepare` calls the system, with what was made before.
    let spawned = unsafe { spawn_command(&arguments.command, mask, prepare) }?;
    let root = spawned.pid;
    // Without it more may be lost, which is counted.
    let _unrelieved = probe.ring.relieve();
    if let Some(enters) = probe.enters.take() {
        if privileges::has_gained() { enters.stay() } else { enters.change() }
    }
    collector.begin(root as u32, cwd.as_os_str().as_bytes(), &command);
    collector.begin_with(root as u32, files);
    // Should the tracer be killed from now on, there is a record that the command was run.
    collector.recorder.flush();
    let running = Arc::new(AtomicI32::new(root));
    if let Some(roar) = roar {
        roar.tell(ToRoar::Started(root as u32));
        roar.listen(Arc::clone(&running));
    }
    orphans.made(root as u32);
    let mut run = Run {
        probe,
        collector,
        root,
        status: None,
        orphans,
        cwd: cwd.into_os_string().into_vec(),
        early: Vec::new(),
    };
    run.wait(&children, roar)?;
    if let (Some(roar), Some(status)) = (roar, run.status) {
        roar.tell(ToRoar::Ended(status));
    }
    running.store(0, Ordering::Release);
    let errno = spawned.outcome().ok().and_then(|outcome| outcome.errno);
    run.linger(Duration::from_millis(arguments.linger_ms));
    run.finish();
    let status = errno.map_or(run.status.unwrap_or(0), |errno| exit_status_of(errno) << 8);
    report(arguments, roar, run.collector, status)?;
    if let Some(roar) = roar {
        roar.tell(errno.map_or(ToRoar::Reported, ToRoar::NotExecuted));
        roar.see_awake();
    }
    Ok(())
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
            if children.wait(pause) {
                self.orphans.reap_all_but(self.root);
            }
            pause = if self.read() > 0 { LOOK_MIN } else { (pause * 2).min(LOOK_MAX) };
        }
    }

    /// Takes what is in the ring, and returns how many events that was.
    fn read(&mut self) -> usize {
        let mut count = 0;
        for chunk in self.probe.ring.take() {
            for event in chunk.events() {
                if let Some(told) = Told::parse(event) {
                    self.take(event, &told);
                }
                count += 1;
            }
        }
        self.collector.recorder.flush();
        count
    }

    /// Takes an event once it is known where the kernel sees the root directory of this process, which the command's first directory tells.
    fn take(&mut self, event: &[u8], told: &Told<'_>) {
        if self.collector.has_root() {
            return self.collector.take(told);
        }
        self.early.push(event.to_vec());
        if self.collector.find_root(told, &self.cwd) {
            self.take_early();
        }
    }

    fn take_early(&mut self) {
        for event in std::mem::take(&mut self.early) {
            if let Some(told) = Told::parse(&event) {
                self.collector.take(&told);
            }
        }
    }

    /// Collects from descendants until they have ended, or their time is over.
    fn linger(&mut self, time: Duration) {
        self.read();
        let end = Instant::now() + time;
        while self.orphans.remain_but(self.root) && Instant::now() < end {
            std::thread::park_timeout(LINGER_LOOK);
            self.read();
        }
    }

    /// Takes what is left.
    fn finish(&mut self) {
        self.read();
        // There is no directory of a command that could not be executed.
        self.take_early();
        for slot in self.probe.slots() {
            self.collector.left(&slot);
        }
        for (pid, program) in self.collector.running() {
            // If what was lost is the end of a process, that it runs is only what was told.
            if pid != self.root as u32 && is_alive(pid) {
                self.collector.recorder.tell_gap(
                    GapKind::DescendantLeft,
                    pid,
                    Some(&program),
                    "still running when the run was over: what it did later was not seen (see run.linger_ms)",
                );
            }
        }
        for Loss { count, why } in self.probe.losses() {
            self.collector.recorder.tell_loss(count, &why);
        }
    }
}

/// Returns the regular files among the descriptors that the command will have, and how they are. One without a name is not among them.
fn inherited_files() -> Vec<(Vec<u8>, FileStamp)> {
    let look = |entry: fs::DirEntry| {
        let fd: i32 = entry.file_name().to_str()?.parse().ok()?;
        // SAFETY: takes numbers.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        let found = fs::metadata(entry.path()).ok().filter(|found| found.is_file() && found.nlink() > 0)?;
        let path = fs::read_link(entry.path()).ok()?.into_os_string().into_vec();
        (flags & libc::FD_CLOEXEC == 0).then(|| (path, stamp_of(&found)))
    };
    fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().filter_map(look).collect()
}

/// Returns whether there is such a process, perhaps one of another user.
fn is_alive(pid: u32) -> bool {
    Pid::from_raw(pid as i32).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// The lookups that are seen.
const LOOKUPS: [LookupKind; 2] = [LookupKind::Absent, LookupKind::Listing];

/// Sums up and reports: into the run directory, so that the report outlives everyone, or, where that is full, to `roar`.
fn report(
    arguments: &TracerArguments,
    roar: Option<&Roar>,
    mut collector: Collector,
    status: i32,
) -> io::Result<()> {
    let mut end = collector.recorder.event(EventKind::End, 0, 0);
    end.value = status as u32 as u64;
    collector.recorder.tell(&end);
    let stats =
        TracerStats { overhead_ns: cpu_time_ns(), mode: "sys_exit".to_owned(), ..TracerStats::default() };
    let report = report_of(collector.recorder.finish(), "ebpf", &LOOKUPS, stats);
    deliver_report(&report, &arguments.run_dir, roar.map(Roar::control))
}
