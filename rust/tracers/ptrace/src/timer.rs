//! Interrupts waitpid(2), which has no time limit of its own.
//!
//! # Safety
//!
//! The handler does nothing; that it was called is what interrupts.

use std::time::Duration;

/// After the first time the signal is repeated: it may come just before the wait it is to interrupt.
const REPEAT_MS: u64 = 20;

extern "C" fn nothing(_signal: libc::c_int) {}

fn timeval(duration: Duration) -> libc::timeval {
    libc::timeval { tv_sec: duration.as_secs() as i64, tv_usec: duration.subsec_micros().into() }
}

fn set(first: Duration, repeat: Duration) {
    let timer = libc::itimerval { it_interval: timeval(repeat), it_value: timeval(first) };
    // SAFETY: a valid timer; the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// Sends this process SIGALRM after `delay`, and again and again until [`stop`].
pub(crate) fn interrupt_after(delay: Duration) {
    // SAFETY: all zero is a valid sigaction: no flags, so that calls are not restarted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
    // SAFETY: a valid action with a handler that does nothing.
    unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    // SAFETY: all zero is a valid set.
    let mut alarm: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid set and signal.
    unsafe { libc::sigaddset(&raw mut alarm, libc::SIGALRM) };
    // Blocked until now like every other: one that somebody sent to the whole process group is not for the tracer.
    // SAFETY: valid sets; the mask before is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const alarm, std::ptr::null_mut()) };
    set(delay.max(Duration::from_millis(1)), Duration::from_millis(REPEAT_MS));
}

/// Ends the interruptions.
pub(crate) fn stop() {
    set(Duration::ZERO, Duration::ZERO);
}
