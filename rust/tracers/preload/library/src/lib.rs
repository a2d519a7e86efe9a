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

mod aio;
mod calls;
mod changes;
mod descriptors;
mod env;
mod exec;
mod filter;
mod gaps;
mod gate;
mod hooks;
mod imports;
mod journal;
mod loader;
mod maps;
mod memory;
mod names;
mod opens;
mod patch;
mod process;
mod sandbox;
mod start;
mod strings;
mod sys;
mod transfers;

/// Nothing here panics: what could is written so that it cannot, and the library is checked for it. Should it happen all the same, the
/// thread stops rather than corrupt what is not ours.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
