//! What every tracer program does around its command: words for the record, waiting for its end, the report.
//!
//! # Safety
//!
//! Signal sets and times are plain data; every pointer is to memory that lives through its call.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use tracer_schema::TracerReport;

use crate::control::Control;
use crate::report_file::{encode_report, write_report};

/// Returns the words of a command with a NUL after each, as events have them.
pub fn join_words(command: &[OsString]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in command {
        bytes.extend_from_slice(word.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// Returns the exit status of a command that could not be executed, as shells have it.
pub fn exit_status_of(errno: i32) -> i32 {
    if errno == libc::ENOENT { 127 } else { 126 }
}

/// Returns the CPU time of this process so far, nanoseconds.
pub fn cpu_time_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Hands the report over: into the run directory, so that it outlives everyone, or, where that is full, to `roar`.
///
/// # Errors
/// Neither was possible.
pub fn deliver_report(report: &TracerReport, run_dir: &Path, control: Option<&Control>) -> io::Result<()> {
    let bytes = encode_report(report).map_err(io::Error::other)?;
    match (write_report(run_dir, &bytes), control) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(control)) => control.send_report(&bytes),
        (Err(error), None) => Err(io::Error::other(error)),
    }
}

/// Tells of children that ended, stopped or went on. SIGCHLD is to be blocked.
#[derive(Debug)]
pub struct ChildrenQueue(OwnedFd);

impl ChildrenQueue {
    /// Begins to listen.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub fn new() -> io::Result<Self> {
        // SAFETY: all zero is a valid set.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: a valid set and signal.
        unsafe { libc::sigaddset(&raw mut set, libc::SIGCHLD) };
        // SAFETY: a valid set.
        let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd has just made it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Waits until something became of a child, or the time is over. Returns whether something did.
    pub fn wait(&self, time: Duration) -> bool {
        let mut entry = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid entry.
        unsafe { libc::poll(&raw mut entry, 1, time.as_millis() as i32) };
        let mut info = [0_u8; 128];
        // SAFETY: room for one struct signalfd_siginfo; what it says is asked of waitpid.
        unsafe { libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), info.len()) > 0 }
    }
}
