//! The gate: the code through which every system call of a patched C library passes, and the library's own as well.
//!
//! A patched site jumps to its *thunk* ([`patch`](crate::patch)), the thunk to [`arch::gate`]. There a call that adds nothing to what was
//! told is made at once; any other goes through [`enter`](crate::calls::enter), is made, and goes through
//! [`leave`](crate::calls::leave). The call itself is made with the registers of the program, from the gate's own frame, so
//! that signals, SA_RESTART, seccomp handlers and thread cancellation find it as they would find it in the C library.

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "gate/aarch64.rs"]
mod arch;
#[cfg(target_os = "macos")]
#[path = "macos/thread.rs"]
mod arch;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "gate/x86_64.rs"]
mod arch;

#[cfg(target_os = "linux")]
pub(crate) use arch::raw;
pub(crate) use arch::thread;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use arch::{after_clone, cancellable, gate};

/// What the gate does with a call that went through `enter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Way {
    /// Make it.
    Through = 0,
    /// Make it, then `leave`.
    Watched = 1,
    /// It is made already: its result is in the place of its number.
    Made = 2,
    /// Make it outside the gate, with nothing of ours on the stack: it makes a process that shares the memory.
    Outside = 3,
}
