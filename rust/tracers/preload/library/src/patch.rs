//! Patching: the system calls of the C library and its loader are made to pass through the gate.
//!
//! Where they are was worked out by the collector ([`plans`](tracer_preload_journal::plans)) for files of a certain build id. Here the
//! bytes are compared, and the sites replaced by jumps to *thunks*: a few instructions for each site that say where it is.
//!
//! # Safety
//!
//! It happens in the initializer, while there is one thread, which runs none of the code that changes. The bytes are those of the plan,
//! which was made for this very file, and nothing is written before all of a plan's were compared.

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::patch_all;

/// Returns whether the C library was patched: not on this architecture.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn patch_all() -> bool {
    false
}
