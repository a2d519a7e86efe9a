//! Sandboxes: after a process has given up system calls (seccomp), the library makes none of its own that the program might not make.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::calls::Call;
use crate::gaps::{self, Gap};
use crate::{names, sys, transfers};

/// Not 0: the process has a filter.
static IS_ENTERED: AtomicU32 = AtomicU32::new(0);

/// Returns whether nothing but what the program asks for may be asked of the kernel.
pub(crate) fn is_entered() -> bool {
    IS_ENTERED.load(Ordering::Relaxed) != 0
}

/// A process begins in the sandbox of the one that executed it.
pub(crate) fn inherit() {
    IS_ENTERED.store(1, Ordering::Relaxed);
}

/// Prepares for prctl(2) or seccomp(2), if it installs a filter.
pub(crate) fn prepare(call: &Call) {
    const PR_SET_SECCOMP: usize = 22;
    const SET_MODE_STRICT: usize = 0;
    const SET_MODE_FILTER: usize = 1;
    const NEW_LISTENER: usize = 1 << 3;
    let [first, second, third, ..] = call.args;
    let installs = if call.number == syscalls::Sysno::prctl as usize {
        // A null program is how Chromium asks whether there is seccomp at all.
        first == PR_SET_SECCOMP && (second != 2 || third != 0)
    } else {
        matches!(first, SET_MODE_STRICT | SET_MODE_FILTER) && (first == SET_MODE_STRICT || third != 0)
    };
    if !installs {
        return;
    }
    if call.number == syscalls::Sysno::seccomp as usize
        && first == SET_MODE_FILTER
        && second & NEW_LISTENER != 0
    {
        gaps::tell(
            Gap::SeccompListener,
            b"a supervisor of its own answers system calls before the tracer can see them",
        );
    }
    learn_descriptors();
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
