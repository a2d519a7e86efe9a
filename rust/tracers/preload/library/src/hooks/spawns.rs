//! posix_spawn(3): a program is executed in a process of its own, with files that were to be opened there.
//!
//! # Safety
//!
//! [`OPENS`] is written by whoever has claimed a place, by the address of the actions that it belongs to; POSIX leaves it to the
//! program that no two threads work on the same actions.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tracer_syscalls::constants::{O_CREAT, O_TRUNC};

use super::body::Named;
use super::programs::Found;
use super::{Frame, Real};
use crate::names::PathArgument;
use crate::opens::{self, Opening};
use crate::{exec, sys};

/// A file that is to be opened by a process that will be spawned.
struct Open {
    /// Address of the actions; 0: the place is free.
    actions: AtomicUsize,
    flags: AtomicU32,
    path: UnsafeCell<[u8; PATH_BYTES]>,
}

// SAFETY: see the module.
unsafe impl Sync for Open {}

/// Paths that are longer are not told.
const PATH_BYTES: usize = 512;

/// A program prepares few processes at a time, and opens the three standard files at most.
const OPENS_MAX: usize = 16;

static OPENS: [Open; OPENS_MAX] = [const {
    Open { actions: AtomicUsize::new(0), flags: AtomicU32::new(0), path: UnsafeCell::new([0; PATH_BYTES]) }
}; OPENS_MAX];

/// posix_spawn_file_actions_addopen(3): actions, descriptor, path, flags, mode.
pub(super) fn add_open(real: Real, frame: &Frame) -> usize {
    let result = real.call(frame.all());
    let [actions, _, path, flags, ..] = frame.args;
    if result as i32 == 0 && flags as u64 & (O_CREAT | O_TRUNC) != 0 {
        // SAFETY: a string that the function has just copied.
        let path = unsafe { CStr::from_ptr(path as *const _) }.to_bytes_with_nul();
        let free = OPENS.iter().find(|open| {
            open.actions.compare_exchange(0, actions, Ordering::Acquire, Ordering::Relaxed).is_ok()
        });
        if let Some(open) = free {
            open.flags.store(flags as u32, Ordering::Relaxed);
            // SAFETY: the place was just claimed.
            let place = unsafe { &mut *open.path.get() };
            match place.get_mut(..path.len()) {
                Some(place) => place.copy_from_slice(path),
                None => open.actions.store(0, Ordering::Release),
            }
        }
    }
    result
}

/// Actions begin or end.
pub(super) fn forget(actions: usize) {
    for open in OPENS.iter().filter(|open| open.actions.load(Ordering::Relaxed) == actions) {
        open.actions.store(0, Ordering::Release);
    }
}

/// posix_spawn(3): where the id goes, path, actions, attributes, arguments, environment.
pub(super) fn spawn(real: Real, named: Named, frame: &Frame) -> usize {
    let [pid, name, actions, attributes, arguments, environment] = first_six(frame);
    let mut found = Found::new();
    let path = found.search(named, name);
    let opening = |open: &'static Open| -> Option<(Opening, PathArgument)> {
        if actions == 0 || open.actions.load(Ordering::Relaxed) != actions {
            return None;
        }
        let path = PathArgument { pointer: open.path.get().cast_const().cast() };
        let flags = u64::from(open.flags.load(Ordering::Relaxed));
        Some((opens::prepare(sys::AT_FDCWD, path, flags, false)?, path))
    };
    let mut openings = [const { None }; OPENS_MAX];
    for (place, open) in openings.iter_mut().zip(&OPENS) {
        *place = opening(open);
    }
    let prepared = exec::prepare_spawn(path, environment);
    let mut environment = environment;
    exec::adopt_spawn(&prepared, &mut environment);
    let mut own_pid = 0_u32;
    let place = if pid == 0 { (&raw mut own_pid) as usize } else { pid };
    let result = real.call([place, name, actions, attributes, arguments, environment, 0, 0]);
    let child = if result as i32 == 0 {
        // SAFETY: the function has just written it.
        unsafe { (place as *const u32).read() }
    } else {
        0
    };
    for (opening, path) in openings.into_iter().flatten() {
        opens::leave_elsewhere(opening, path, child != 0);
    }
    exec::leave_spawn(prepared, child);
    result
}

fn first_six(frame: &Frame) -> [usize; 6] {
    let [a, b, c, d, e, f, ..] = frame.all();
    [a, b, c, d, e, f]
}
