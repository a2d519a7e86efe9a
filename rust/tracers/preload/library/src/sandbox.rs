//! Sandboxes: after a process has given up system calls (seccomp(2)), the library makes none of its own that a filter would not let pass.
//!
//! A filter is asked beforehand, as the kernel asks it, what it says of every call that the library makes. Most let all of them
//! pass. Where one does not, nothing is asked of the kernel any more; what files are called is what was learned before, and the reader
//! looks at them instead.

use core::sync::atomic::{AtomicU32, Ordering};

use syscalls::Sysno;

use crate::calls::Call;
use crate::gaps::{self, Gap};
use crate::{filter, journal, names, sys, transfers};

/// Not 0: the process has a filter that does not let the library's calls pass.
static IS_ENTERED: AtomicU32 = AtomicU32::new(0);

/// Not 0: the process has a filter: a call may be said to have succeeded that was never made.
static HAS_FILTER: AtomicU32 = AtomicU32::new(0);

/// Returns whether nothing but what the program asks for may be asked of the kernel.
pub(crate) fn is_entered() -> bool {
    IS_ENTERED.load(Ordering::Relaxed) != 0
}

/// Returns whether what a call has done must be looked at, and can be.
pub(crate) fn may_pretend() -> bool {
    HAS_FILTER.load(Ordering::Relaxed) != 0 && !is_entered()
}

/// Returns whether there is a filter.
pub(crate) fn has_filter() -> bool {
    HAS_FILTER.load(Ordering::Relaxed) != 0
}

/// Returns what there is, for [`restore`].
pub(crate) fn state() -> u32 {
    HAS_FILTER.load(Ordering::Relaxed) | IS_ENTERED.load(Ordering::Relaxed) << 1
}

/// There is what there was: a child that borrowed the memory has given up system calls of its own.
pub(crate) fn restore(state: u32) {
    HAS_FILTER.store(state & 1, Ordering::Relaxed);
    IS_ENTERED.store(state >> 1, Ordering::Relaxed);
}

/// A process begins with a filter of the one that executed it, and in its sandbox if it had one.
pub(crate) fn inherit(is_sandbox: bool) {
    HAS_FILTER.store(1, Ordering::Relaxed);
    if is_sandbox {
        IS_ENTERED.store(1, Ordering::Relaxed);
    }
}

/// What a call does about sandboxes.
enum Installs {
    Nothing,
    /// All but read, write and exit are given up, and the processor's clock as well.
    Strict,
    /// A filter, at that address.
    Filter(usize),
}

fn installs(call: &Call) -> Installs {
    const PR_SET_SECCOMP: usize = 22;
    const STRICT_MODE: usize = 1;
    const FILTER_MODE: usize = 2;
    const SET_MODE_STRICT: usize = 0;
    const SET_MODE_FILTER: usize = 1;
    let [first, second, third, ..] = call.args;
    let is_prctl = call.number == Sysno::prctl as usize;
    match (is_prctl, first, second) {
        (true, PR_SET_SECCOMP, STRICT_MODE) | (false, SET_MODE_STRICT, _) => Installs::Strict,
        // A null program is how Chromium asks whether there is seccomp at all.
        (true, PR_SET_SECCOMP, FILTER_MODE) | (false, SET_MODE_FILTER, _) if third != 0 => {
            Installs::Filter(third)
        }
        _ => Installs::Nothing,
    }
}

/// Prepares for prctl(2) or seccomp(2).
pub(crate) fn prepare(call: &Call) {
    const PR_SET_TSC: usize = 26;
    const NEW_LISTENER: usize = 1 << 3;
    let is_prctl = call.number == Sysno::prctl as usize;
    match installs(call) {
        Installs::Nothing if is_prctl && call.args[0] == PR_SET_TSC => journal::stop_clock(),
        Installs::Nothing => {}
        Installs::Strict => {
            enter();
            journal::stop_clock();
        }
        Installs::Filter(address) => {
            if !is_prctl && call.args[1] & NEW_LISTENER != 0 {
                let words = b"a supervisor of its own answers system calls before the tracer can see them";
                gaps::tell(Gap::SeccompListener, words);
            }
            HAS_FILTER.store(1, Ordering::Relaxed);
            if !filter::lets_pass(address) {
                enter();
            }
        }
    }
}

/// Enters a sandbox: what will be needed is found out and mapped while that can be asked for.
fn enter() {
    if is_entered() {
        return;
    }
    learn_descriptors();
    journal::prepare_for_sandbox();
    HAS_FILTER.store(1, Ordering::Relaxed);
    IS_ENTERED.store(1, Ordering::Relaxed);
}

/// Descriptors that are looked at before a sandbox is entered: those of a program that has more than this open are found out
/// about only as far.
const DESCRIPTORS_MAX: i32 = 1024;

/// Finds out what every descriptor is while that can be asked.
fn learn_descriptors() {
    for fd in 0..DESCRIPTORS_MAX {
        if sys::stat_fd(fd).is_ok() && transfers::file_of(fd).is_some() {
            transfers::tell_path(fd);
        }
    }
    // So that relative paths mean something afterwards.
    names::keep_directory();
}
