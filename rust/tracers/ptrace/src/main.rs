//! The ptrace tracer: runs a command, sees every effect it has on files, and reports.
//!
//! A seccomp filter, made from the table of system calls, stops a thread only at calls that can have an effect; what a
//! descriptor or path means is asked of the kernel while the thread stands still. Begin reading at `engine`.
//!
//! # Safety
//!
//! `unsafe` is calls of the system alone; each module with some says what makes its calls sound.

mod aio;
mod calls;
mod check;
mod engine;
mod files;
mod filter;
mod launch;
mod long_path;
mod memory_map;
mod observer;
mod placement;
mod programs;
mod resolve;
mod ring_memory;
mod rings;
mod sys;
mod timer;
mod walk;
mod words;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tracer_host::preflight::CheckArguments;
use tracer_host::signals::{self, Roar};
use tracer_host::{
    Control, ToRoar, TracerArguments, cpu_time_ns, deliver_report, exit_status_of, join_words, report_of,
};
use tracer_schema::{EventKind, LookupKind, TracerStats};

use crate::engine::Engine;
use crate::launch::{Mode, NOTE_UNFILTERED, launch};
use crate::observer::Observer;

/// The lookups that are seen: a call that finds nothing is known by its result, which a seccomp filter cannot look at, and to stop every
/// stat and open for it would cost more than all else together.
const LOOKUPS: &[LookupKind] = &[LookupKind::Listing];

/// Exit status of a tracer that failed; `roar` has been told more by then, if it could be.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    let mask = signals::block_all();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let arguments = match CheckArguments::parse(&words) {
        Some(Ok(question)) => return check::check(&question, &mask),
        Some(Err(error)) => Err(error),
        None => TracerArguments::parse(words),
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&format!("{error}; this program is started by roar, see `roar run --help`"));
            return ExitCode::from(FAILED);
        }
    };
    let roar = arguments.control.and_then(|fd| Control::inherit(fd).ok()).map(Roar::new);
    match trace(&arguments, roar.as_ref(), &mask) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match &roar {
                Some(roar) => roar.tell(ToRoar::NotTraced(error.raw_os_error().unwrap_or(libc::EIO))),
                None => complain(&error.to_string()),
            }
            ExitCode::from(FAILED)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a tracer started by hand has nobody else to tell")]
fn complain(what: &str) {
    eprintln!("roar-tracer-ptrace: {what}");
}

/// Raises the limit of open files for the tracer, and returns what it was for the command.
fn raise_files_limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid place.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return None;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
    // SAFETY: a valid limit; being refused it changes nothing.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) };
    Some(limit)
}

fn trace(arguments: &TracerArguments, roar: Option<&Roar>, mask: &libc::sigset_t) -> io::Result<()> {
    let files_limit = raise_files_limit();
    let mut observer = Observer::new(&arguments.run_dir);
    if arguments.wants_log {
        // Without a log the run is as good as with one.
        let _unlogged = observer.recorder.log_to(&arguments.run_dir);
    }
    let launched = launch(&arguments.command, mask, files_limit)?;
    let root = launched.tid;
    let cwd = std::fs::read_link("/proc/self/cwd").unwrap_or_default();
    observer.begin(root, cwd.as_os_str().as_bytes(), &join_words(&arguments.command));
    observer.recorder.flush();
    let running = Arc::new(AtomicI32::new(root.0));
    if let Some(roar) = roar {
        roar.tell(ToRoar::Started(root.as_pid()));
        roar.listen(Arc::clone(&running));
    }
    let mut spawned = Some(launched.go());
    let mut engine = Engine::new(observer, root, roar.cloned());
    let ended = engine.run(Duration::from_millis(arguments.linger_ms), || {
        let outcome = spawned.take().and_then(|spawned| spawned.outcome().ok()).unwrap_or_default();
        if outcome.note == NOTE_UNFILTERED { Mode::EverySyscall } else { Mode::Seccomp }
    })?;
    running.store(0, Ordering::Release);
    if ended.has_left {
        engine.tell_left();
    }
    let errno = spawned.take().and_then(|spawned| spawned.outcome().ok()).and_then(|outcome| outcome.errno);
    let status = errno.map_or(ended.status, |errno| exit_status_of(errno) << 8);
    let mode = engine.mode();
    report(arguments, roar.map(Roar::control), engine.into_observer(), mode, status)?;
    if let Some(roar) = roar {
        roar.tell(errno.map_or(ToRoar::Reported, ToRoar::NotExecuted));
        roar.see_awake();
    }
    if ended.has_left {
        leave_the_stage();
        engine::serve();
    }
    Ok(())
}

/// Sums up and reports: into the run directory, so that the report outlives everyone, or, where that is full, to `roar`.
fn report(
    arguments: &TracerArguments,
    control: Option<&Control>,
    mut observer: Observer,
    mode: Mode,
    status: i32,
) -> io::Result<()> {
    let mut end = observer.recorder.event(EventKind::End, 0, 0);
    end.value = status as u32 as u64;
    observer.recorder.tell(&end);
    let stats = TracerStats {
        overhead_ns: cpu_time_ns(),
        mode: match mode {
            Mode::Seccomp => "seccomp".to_owned(),
            Mode::EverySyscall => "syscall".to_owned(),
        },
        ..TracerStats::default()
    };
    let report = report_of(observer.recorder.finish(), "ptrace", LOOKUPS, stats);
    deliver_report(&report, &arguments.run_dir, control)
}

/// Lives on in the background for descendants alone: whoever waits for the end of our output must not wait for them.
fn leave_the_stage() {
    // SAFETY: takes nothing; a process that leads its group already stays where it is.
    unsafe { libc::setsid() };
    let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") else {
        return;
    };
    for fd in 0..3 {
        // SAFETY: numbers only; what the standard descriptors referred to is not used again.
        unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&null), fd) };
    }
}
