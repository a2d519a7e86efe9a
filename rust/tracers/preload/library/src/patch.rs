//! Patching: the system calls of the C library and its loader are made to pass through the gate.
//!
//! What is to be written where was worked out by the collector ([`plans`](tracer_preload_journal::plans)) for files of a certain build
//! id. Where there is an image, a copy of the file with all of it written, it is mapped in the place of the code; where that is refused (a file
//! system without execution, a policy), the edits are made here.
//!
//! # Safety
//!
//! It happens in the initializer, while there is one thread. A plan is for the very file that has its build id, and changes nothing
//! but system calls: whoever is in the middle of the code, as the loader is, finds it as it was.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod x86_64;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use x86_64::patch_all;

/// Returns whether the C library was patched: not on this system.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) fn patch_all() -> bool {
    false
}
