//! The library that the preload tracer puts into every process of a run: it tells, in the journal that all of them share, what the process
//! does to files.
//!
//! It lives in other people's processes. It never allocates, locks, waits or changes `errno`; it has no standard library, no
//! thread-local memory, and needs no symbol of anyone. It is safe in signal handlers, in children of vfork, and before the C library has begun.
//!
//! Begin reading at `start`, then `gate` and `calls`.
//!
//! # Safety
//!
//! `unsafe` is of four kinds, and each module with some says what makes it sound: system calls, memory of the journal, memory of the
//! program that the kernel has just looked at, and code that is patched.

#![no_std]
#![cfg_attr(
    target_os = "macos",
    expect(
        dead_code,
        reason = "the table of hooks, and some of what its lines need, is of use on Linux alone"
    )
)]

mod aio;
mod calls;
mod changes;
mod decimal;
mod descriptors;
mod env;
mod errors;
mod exec;
#[cfg_attr(target_os = "macos", path = "macos/filter.rs")]
mod filter;
mod gaps;
mod gate;
#[cfg_attr(target_os = "macos", path = "macos/hooks.rs")]
mod hooks;
#[cfg(target_os = "linux")]
mod imports;
mod journal;
#[cfg(target_os = "linux")]
mod loader;
mod lookups;
mod maps;
#[cfg(target_os = "linux")]
mod memory;
mod names;
mod opens;
mod patch;
mod process;
#[cfg_attr(target_os = "macos", path = "macos/program.rs")]
mod program;
#[cfg_attr(target_os = "macos", path = "macos/regions.rs")]
mod regions;
mod rings;
mod sandbox;
#[cfg(target_os = "linux")]
mod sanitizers;
mod start;
mod strings;
#[cfg_attr(target_os = "macos", path = "macos/sys.rs")]
mod sys;
mod transfers;
#[cfg(target_os = "linux")]
mod valgrind;

/// Nothing here panics: what could is written so that it cannot, and the library is checked for it. Should it happen all the same, the
/// thread stops rather than corrupt what is not ours.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
