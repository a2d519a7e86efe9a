//! What this process was started with, looked at before Rust's runtime changes it, so that the command can be started
//! with the same.
//!
//! The runtime ignores SIGPIPE and opens `/dev/null` on standard descriptors that were closed. A command must see neither.
//!
//! # Safety
//!
//! The constructor runs once, before `main`, in the only thread there is; later the values are only read.

use std::sync::atomic::{AtomicU8, Ordering};

/// One bit for each closed standard descriptor, then one for SIGPIPE being ignored, then "looked".
static FOUND: AtomicU8 = AtomicU8::new(0);

const IGNORES_SIGPIPE: u8 = 1 << 3;
const LOOKED: u8 = 1 << 7;

extern "C" fn look() {
    let mut found = LOOKED;
    for fd in 0..3 {
        // SAFETY: fcntl only looks at the number it is given.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            found |= 1 << fd;
        }
    }
    // SAFETY: all zero is a valid sigaction: the default action with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null new action changes nothing, and `action` is a valid place for the old one.
    let got = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) };
    if got == 0 && action.sa_sigaction == libc::SIG_IGN {
        found |= IGNORES_SIGPIPE;
    }
    FOUND.store(found, Ordering::Relaxed);
}

#[used]
// SAFETY: the loader calls the functions in this section once each, before main, with the C convention that `look` has.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Returns whether the standard descriptor (0, 1 or 2) was closed when this process began.
pub fn was_closed(fd: i32) -> bool {
    (0..3).contains(&fd) && FOUND.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// Returns whether SIGPIPE was ignored when this process began.
pub fn ignored_sigpipe() -> bool {
    FOUND.load(Ordering::Relaxed) & IGNORES_SIGPIPE != 0
}

/// Undoes, in a child between fork and exec, what the runtime did: async-signal-safe.
pub(crate) fn restore() {
    let action = if ignored_sigpipe() {
        libc::SIG_IGN
    } else {
        libc::SIG_DFL
    };
    // SAFETY: signal(2) with a constant action; nothing of this process's handlers is involved.
    unsafe { libc::signal(libc::SIGPIPE, action) };
    for fd in (0..3).filter(|fd| was_closed(*fd)) {
        // SAFETY: the descriptor was not open when the process began: what is there is the runtime's /dev/null.
        unsafe { libc::close(fd) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constructor_ran() {
        assert_ne!(FOUND.load(Ordering::Relaxed) & LOOKED, 0);
        assert!(!was_closed(1));
    }
}
