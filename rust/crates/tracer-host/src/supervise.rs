//! What `roar` does while a tracer works: passes signals on, takes part in job control, and waits for the report.
//!
//! # Safety
//!
//! Signal sets and signalfd_siginfo are plain data; every pointer is to memory that lives through its call.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::arguments::TracerArguments;
use crate::control::{Control, ToRoar, ToTracer};
use crate::orphans::{Orphans, change_of};
use crate::signals::kill;
use crate::spawn::launch_tracer;

/// How often it is looked whether what a command has left running has ended.
const LINGER_LOOK: Duration = Duration::from_millis(2);

/// Signals that are not held back: those that cannot be, that speak of this process's own doing, or that are about its
/// own terminal.
const KEPT: &[i32] = &[
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGPIPE,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// How a tracer's work ended, as far as it told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supervised {
    /// The command was started, as that process.
    pub root_pid: Option<u32>,
    /// The wait status with which it ended.
    pub status: Option<i32>,
    /// The report is written.
    pub is_reported: bool,
    /// The report, where the tracer could not write it.
    pub report: Option<Vec<u8>>,
    /// The command could not be executed; the error number.
    pub not_executed: Option<i32>,
    /// The tracer could not begin; the error number. The command has not run.
    pub not_traced: Option<i32>,
    /// The tracer took too long to begin, and was killed.
    pub is_late: bool,
}

/// Holds back the signals that are passed on, from before a tracer is launched until it has reported: dropped, they
/// have their usual effect again.
#[derive(Debug)]
pub struct Watch {
    queue: std::fs::File,
    before: libc::sigset_t,
    /// Processes that have outlived their parents, if they were asked for.
    orphans: Option<Orphans>,
}

impl Watch {
    /// Begins to hold signals back.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub fn begin() -> io::Result<Self> {
        // SAFETY: all zero is a valid set.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: a valid place. The C library leaves out the signals that it needs itself.
        unsafe { libc::sigfillset(&raw mut set) };
        for signal in KEPT {
            // SAFETY: a valid set and signal.
            unsafe { libc::sigdelset(&raw mut set, *signal) };
        }
        // SAFETY: a valid set.
        let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd has just made it.
        let queue = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all zero is a valid set.
        let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: valid sets.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
        Ok(Self { queue: queue.into(), before, orphans: None })
    }

    /// Returns the next signal that a process sent, with its sender; what the kernel sent is left out.
    fn next(&mut self) -> Option<(i32, i32)> {
        /// Sizes and places in struct signalfd_siginfo (signalfd(2)).
        const INFO_BYTES: usize = 128;
        loop {
            let mut info = [0; INFO_BYTES];
            self.queue.read_exact(&mut info).ok()?;
            let word = |at: usize| i32::from_le_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
            let (signal, code, sender) = (word(0), word(8), word(12));
            // SI_USER and its kin are not positive; a terminal's signals are SI_KERNEL. Children are this process's own.
            if code <= 0 && signal != libc::SIGCHLD {
                return Some((signal, sender));
            }
        }
    }

    /// Starts a tracer program with its end of a new control channel, and returns ours.
    ///
    /// # Errors
    /// The program could not be started.
    pub fn launch(&mut self, program: &Path, arguments: &TracerArguments) -> io::Result<(Child, Control)> {
        let (child, control) = launch_tracer(program, arguments, &self.before)?;
        if let Some(orphans) = &mut self.orphans {
            orphans.made(child.id());
        }
        Ok((child, control))
    }

    /// Waits until the tracer has reported, or is gone. One that has not started the command after `patience` is killed.
    ///
    /// # Errors
    /// Those of poll(2) and of the channel.
    pub fn supervise(
        &mut self,
        control: &Control,
        tracer: u32,
        patience: Duration,
    ) -> io::Result<Supervised> {
        let mut told = Supervised::default();
        let deadline = Instant::now() + patience;
        loop {
            let mut wait_ms = -1;
            if told.root_pid.is_none() && !told.is_late {
                let left = deadline.saturating_duration_since(Instant::now());
                // Rounded up: a wait of 0 ms does not wait.
                wait_ms = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
                if left.is_zero() {
                    told.is_late = true;
                    // It may be gone by now. Its end of the channel is closed either way.
                    let _gone = kill(tracer as libc::pid_t, libc::SIGKILL);
                    wait_ms = -1;
                }
            }
            let mut waits = [control.as_socket().as_raw_fd(), self.queue.as_raw_fd()]
                .map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
            // SAFETY: two valid entries.
            let ready = unsafe { libc::poll(waits.as_mut_ptr(), 2, wait_ms) };
            if ready < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return Err(io::Error::last_os_error());
            }
            while let Some((signal, sender)) = self.next().filter(|(_, sender)| *sender as u32 != tracer) {
                // A tracer that is gone is found out below.
                let _gone = control.tell_tracer(ToTracer::Signal { signal, sender });
            }
            if let (Some(orphans), Some(root)) = (&self.orphans, told.root_pid) {
                // Daemons of the command. The command itself comes here if the tracer is killed, which is found out below.
                orphans.reap_all_but(root as i32);
            }
            if ready <= 0 || waits[0].revents == 0 {
                continue;
            }
            match control.hear_tracer()? {
                None => return Ok(told),
                Some(ToRoar::Started(pid)) => told.root_pid = Some(pid),
                Some(ToRoar::Ended(status)) => told.status = Some(status),
                Some(ToRoar::Stopped(signal)) => stop_self(signal),
                Some(ToRoar::Continued) => {
                    // A tracer that is gone is found out above.
                    let _gone = control.tell_tracer(ToTracer::Awake);
                }
                Some(ToRoar::ReportFollows(bytes)) => told.report = Some(control.receive_report(bytes)?),
                Some(ToRoar::Reported) => {
                    told.is_reported = true;
                    return Ok(told);
                }
                Some(ToRoar::NotExecuted(errno)) => {
                    told.is_reported = true;
                    told.not_executed = Some(errno);
                    return Ok(told);
                }
                Some(ToRoar::NotTraced(errno)) => {
                    told.not_traced = Some(errno);
                    return Ok(told);
                }
            }
        }
    }
}

impl Watch {
    /// Asks for the command, should its tracer be killed and the command go on.
    pub fn adopt(&mut self) {
        self.orphans = Some(Orphans::adopt());
    }

    /// Returns the command that a tracer has left behind, which is no more; `root` if the tracer has said which it is.
    pub fn find_left(&self, root: Option<u32>) -> Option<u32> {
        // One that was not told of yet has not had the time to leave others.
        root.or_else(|| self.orphans.as_ref()?.all().first().map(|pid| *pid as u32))
    }

    /// Waits until a command has ended whose tracer is no more, passing signals on to it, and returns its wait status; `None` if
    /// it did not come to this process.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn outlast(&mut self, root: u32) -> io::Result<Option<i32>> {
        let root = root as i32;
        loop {
            // First: what changes after this wakes the wait below.
            while let Some((signal, _)) = self.next() {
                // It may have ended just now.
                let _ended = kill(root, signal);
            }
            if let Some(orphans) = &self.orphans {
                orphans.reap_all_but(root);
            }
            loop {
                let status = match change_of(root) {
                    Ok(Some(status)) => status,
                    Ok(None) => break,
                    Err(_) => return Ok(None),
                };
                if libc::WIFSTOPPED(status) {
                    stop_self(libc::WSTOPSIG(status));
                } else if !libc::WIFCONTINUED(status) {
                    return Ok(Some(status));
                }
            }
            let mut wait = libc::pollfd { fd: self.queue.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid entry. Every change of a child puts a SIGCHLD into the queue.
            let ready = unsafe { libc::poll(&raw mut wait, 1, -1) };
            if ready < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return Err(io::Error::last_os_error());
            }
        }
    }

    /// Waits for what a command has left running, as long as that: its tracer is gone, and whoever sums up does not know those of them that
    /// have told nothing yet. Returns the time that is left.
    pub fn linger(&self, time: Duration) -> Duration {
        let end = Instant::now() + time;
        let left = || end.saturating_duration_since(Instant::now());
        let has_orphans = || self.orphans.as_ref().is_some_and(|orphans| orphans.remain_but(0));
        while !left().is_zero() && has_orphans() {
            std::thread::park_timeout(LINGER_LOOK);
        }
        left()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the set that was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// Stops as the command did, by the same signal, so that the shell sees its job as it would see the command. The tracer
/// goes on, for what else runs.
fn stop_self(signal: i32) {
    // SAFETY: all zero is a valid set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid set and signal.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: takes a number. If the signal is blocked it waits for the next line.
    unsafe { libc::raise(signal) };
    // SAFETY: all zero is a valid set.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: valid sets. Here the process stops; SIGCONT brings it back.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut before) };
    // SAFETY: the set that was in force before.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
}

/// Ends this process by a signal, as the command ended: a shell tells that from an exit status.
pub fn die_of(signal: i32) {
    // A core of the command is enough.
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid limit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    // SAFETY: signal(2) with the default action.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    // SAFETY: all zero is a valid set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid set and signal.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: valid sets.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
    // SAFETY: takes a number.
    unsafe { libc::raise(signal) };
}
