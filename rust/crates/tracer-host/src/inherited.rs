//! What this process was started with, looked at before Rust's runtime changes it, so that the command can be started
//! with the same.
//!
//! The runtime ignores SIGPIPE, roar ignores SIGXFSZ, so that a limit on the length of files costs the record and not the
//! status of the command, and the runtime opens `/dev/null` on standard descriptors that were closed, and roar itself cannot work
//! with SIGCHLD ignored. A command must see none of it.
//!
//! # Safety
//!
//! The constructor runs once, before `main`, in the only thread there is; later the values are only read.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::arguments::Origin;

/// One bit for each closed standard descriptor, then one for each signal found ignored; the highest for "looked".
static FOUND: AtomicU8 = AtomicU8::new(0);

const IGNORES_SIGPIPE: u8 = 1 << 3;
const IGNORES_SIGCHLD: u8 = 1 << 4;
const IGNORES_SIGXFSZ: u8 = 1 << 5;
/// Signals that roar or its runtime gives another disposition.
const TAKEN: [(i32, u8); 3] =
    [(libc::SIGPIPE, IGNORES_SIGPIPE), (libc::SIGCHLD, IGNORES_SIGCHLD), (libc::SIGXFSZ, IGNORES_SIGXFSZ)];
/// The signal that the C library keeps for itself and takes when the first thread is made (nptl(7)): 33, of which its own functions do
/// not speak.
const SIGSETXID: i32 = 33;
const IGNORES_SIGSETXID: u8 = 1 << 6;
const LOOKED: u8 = 1 << 7;

/// struct sigaction of the kernel (rt_sigaction in sigaction(2)).
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Does what rt_sigaction(2) does; async-signal-safe.
fn action_of_setxid(new: Option<&KernelAction>) -> KernelAction {
    let mut old = KernelAction::default();
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: null, or an action without a function; a valid place; the length of the mask.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, SIGSETXID, new, &raw mut old, size_of::<u64>()) };
    old
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zero is a valid sigaction: the default action with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null new action changes nothing, and `action` is a valid place for the old one.
    let got = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    got == 0 && action.sa_sigaction == libc::SIG_IGN
}

extern "C" fn look() {
    let mut found = LOOKED;
    for fd in 0..3 {
        // SAFETY: fcntl only looks at the number it is given.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            found |= 1 << fd;
        }
    }
    for (signal, bit) in TAKEN {
        if is_ignored(signal) {
            found |= bit;
        }
    }
    if action_of_setxid(None).handler == libc::SIG_IGN {
        found |= IGNORES_SIGSETXID;
    }
    // A process that ignores SIGCHLD cannot wait for its children.
    // SAFETY: signal(2) with a constant action.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
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

/// Returns what a tracer program is to be told of this process.
pub(crate) fn origin() -> Origin {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid place.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) };
    /// In place of a personality: asks for the one there is.
    const ASK: libc::c_ulong = 0xffff_ffff;
    // SAFETY: changes nothing.
    let personality = unsafe { libc::personality(ASK) };
    Origin {
        closed: FOUND.load(Ordering::Relaxed) & 7,
        personality: personality as u32,
        stack_bytes: limit.rlim_cur,
    }
}

/// Undoes, in a child between fork and exec, what the runtime did: async-signal-safe.
pub(crate) fn restore() {
    let found = FOUND.load(Ordering::Relaxed);
    for (signal, bit) in TAKEN {
        let action = if found & bit != 0 { libc::SIG_IGN } else { libc::SIG_DFL };
        // SAFETY: signal(2) with a constant action; nothing of this process's handlers is involved.
        unsafe { libc::signal(signal, action) };
    }
    if found & IGNORES_SIGSETXID != 0 {
        action_of_setxid(Some(&KernelAction { handler: libc::SIG_IGN, ..KernelAction::default() }));
    }
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
