//! Signals: the tracer takes none for itself, and passes on to the command what `roar` was sent.
//!
//! # Safety
//!
//! Signal sets are plain data, valid as zeroed by sigemptyset or filled by sigfillset.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use tracer_host::{Control, ToTracer};

use crate::sys::kill;

/// Blocks every signal that may be blocked but SIGALRM, which the timer needs, and returns the mask as it was.
pub(crate) fn block_all() -> libc::sigset_t {
    // SAFETY: all zero is a valid set.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid place.
    unsafe { libc::sigfillset(&raw mut all) };
    for signal in [libc::SIGALRM, libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT] {
        // SAFETY: a valid set and signal.
        unsafe { libc::sigdelset(&raw mut all, signal) };
    }
    // SAFETY: valid sets.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut before) };
    before
}

/// Returns whether this process was sent the signal as well, by the same sender: then it went to the whole process
/// group, and the command has it already. Takes it away.
fn was_sent_to_group(signal: i32, sender: i32) -> bool {
    // SAFETY: all zero is a valid set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid set; a signal that does not exist is refused.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: all zero is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: valid places; a time limit of zero only looks.
    let found = unsafe { libc::sigtimedwait(&raw const set, &raw mut info, &raw const now) };
    // SAFETY: a signal sent by a process has its sender.
    found == signal && unsafe { info.si_pid() } == sender
}

/// Passes on, in a thread of its own, what `roar` was sent, to the process in `command` until that is 0.
pub(crate) fn pass_on(control: Control, command: Arc<AtomicI32>) {
    std::thread::spawn(move || {
        while let Ok(Some(ToTracer::Signal { signal, sender })) = control.hear_roar() {
            let command = command.load(Ordering::Acquire);
            if command > 0 && !was_sent_to_group(signal, sender) {
                // It may have ended just now.
                let _ended = kill(command, signal);
            }
        }
    });
}
