//! The beginning: a child that waits to be seized, takes the filter upon itself and becomes the command.
//!
//! # Safety
//!
//! What the child does before exec is async-signal-safe: read, prctl, setrlimit and seccomp on memory made before the fork.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use tracer_host::{Spawned, spawn_command};

use crate::filter::{Instruction, program};
use crate::sys::{Tid, seize};

/// How calls are chosen for a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By the seccomp filter.
    Seccomp,
    /// Every call stops: seccomp is refused here.
    EverySyscall,
}

/// `PTRACE_O_EXITKILL` is a decision: a tracee whose tracer is gone gets ENOSYS from every call that the filter
/// wants traced, and would go on half-working, damaging what it writes. It is better killed, and what was seen until
/// then is in the spool.
const OPTIONS: i32 = libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// [`Outcome::note`](tracer_host::Outcome::note) of a command that runs without the filter.
pub(crate) const NOTE_UNFILTERED: u8 = 1;

/// Installs the filter on the calling thread; async-signal-safe.
fn install(program: &[Instruction]) -> Result<(), i32> {
    let errno = || io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    let described = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let with = |flags: libc::c_ulong| {
        // SAFETY: `described` describes `program`, which the kernel copies.
        unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const described)
        }
    };
    // A filter is no sandbox here: older kernels would slow the command down by turning a mitigation on for it.
    let set = || if with(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) == 0 { 0 } else { with(0) };
    // With CAP_SYS_ADMIN no promise is needed, and set-user-ID programs keep their privilege.
    if set() == 0 {
        return Ok(());
    }
    // SAFETY: numbers only.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(errno());
    }
    if set() == 0 { Ok(()) } else { Err(errno()) }
}

/// A command that is seized and goes on to exec when [`go`](Launched::go) is called.
pub(crate) struct Launched {
    /// Its thread.
    pub(crate) tid: Tid,
    /// Tells of a failed exec.
    pub(crate) spawned: Spawned,
    gate: OwnedFd,
}

impl Launched {
    /// Opens the gate. A command that is gone meanwhile has no use for it.
    pub(crate) fn go(self) -> Spawned {
        let _gone = File::from(self.gate).write_all(&[0]);
        self.spawned
    }
}

/// Forks the command and seizes it.
///
/// `mask` and `files_limit` are what the command is to find as its own.
///
/// # Errors
/// No process to be had, or it may not be traced (`EPERM`: Yama, a container's policy, a tracer already there).
pub(crate) fn launch(
    command: &[OsString],
    mask: &libc::sigset_t,
    files_limit: Option<libc::rlimit>,
) -> io::Result<Launched> {
    let program = program();
    let mut ends = [0; 2];
    // SAFETY: room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 has just made it.
    let wait_at = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: pipe2 has just made it.
    let gate = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    let (wait_fd, gate_fd) = (wait_at.as_raw_fd(), gate.as_raw_fd());
    let prepare = || {
        // SAFETY: our own copy of the gate must go, or its end would never be seen.
        unsafe { libc::close(gate_fd) };
        let mut byte = 0_u8;
        let came = loop {
            // SAFETY: one byte on this stack.
            let came = unsafe { libc::read(wait_fd, (&raw mut byte).cast(), 1) };
            if came >= 0 {
                break came;
            }
        };
        if came == 0 {
            // The tracer was killed before it had this process: it must not run, for it may be run again under another one.
            return Err(libc::ESRCH);
        }
        if let Some(limit) = &files_limit {
            // SAFETY: a valid limit, no higher than the hard one it was read with.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) };
        }
        Ok(if install(&program).is_ok() { 0 } else { NOTE_UNFILTERED })
    };
    // SAFETY: `prepare` is async-signal-safe, as the module says.
    let spawned = unsafe { spawn_command(command, mask, prepare) }?;
    let tid = Tid(spawned.pid);
    if let Err(error) = seize(tid, OPTIONS) {
        // Untraced it must not go through the gate: under the filter it would be half-working.
        // SAFETY: our own child, not yet waited for.
        unsafe { libc::kill(tid.0, libc::SIGKILL) };
        return Err(error);
    }
    Ok(Launched { tid, spawned, gate })
}
