//! What is looked up and is no file of the run: paths at which nothing was, directories that are listed.
//!
//! A program that waits for a file asks for it a million times, and imports ask for hundreds of names: what was told is known by a hash of
//! its words, and told once. Paths are told as they were given; the reader finds out where symbolic links lead, which costs the program nothing.

use core::sync::atomic::{AtomicU64, Ordering};

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Kind, State};

use crate::descriptors::{self, Side, Told};
use crate::names::{self, PathArgument};
use crate::opens::hash;
use crate::{gate, sandbox, sys, transfers};

/// Hashes of paths that were told. One that another takes the place of is told again. 8 KiB.
const TOLD_MAX: usize = 1024;

static TOLD: [AtomicU64; TOLD_MAX] = [const { AtomicU64::new(0) }; TOLD_MAX];

/// What a path starts from, as part of its hash.
mod start {
    pub(super) const ROOT: u64 = 1;
    pub(super) const DIRECTORY: u64 = 2;
    pub(super) const THREADS_OWN: u64 = 3;
    pub(super) const DESCRIPTOR: u64 = 4;
}

/// Tells that nothing was found at a path, which the kernel has just read.
pub(crate) fn absent(dir: i32, path: PathArgument) {
    // In a root directory of its own nobody else could say where the path leads.
    if sandbox::is_entered() || names::root() != 0 || path.is_empty() {
        return;
    }
    let bytes = path.bytes();
    let from = if bytes.first() == Some(&b'/') {
        [start::ROOT, 0]
    } else if dir != sys::AT_FDCWD {
        // Of a directory whose path was never told, the number has to do.
        [start::DESCRIPTOR, descriptors::path_position(dir).unwrap_or(u64::MAX - u64::from(dir as u32))]
    } else if names::is_directory_shared() {
        [start::DIRECTORY, names::directory_generation().into()]
    } else {
        [start::THREADS_OWN, gate::thread() as u64]
    };
    let hash = hash(bytes, from);
    let place = TOLD.get((hash >> 8) as usize % TOLD_MAX);
    if place.is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash) {
        return;
    }
    // What cannot be named cannot be looked for later either.
    if let Ok(mut draft) = names::draft(Kind::Absent, |draft| names::tell_given(draft, dir, bytes)) {
        draft.seal(State::Done);
    }
}

/// Returns whether the listing of a directory is still to be told.
pub(crate) fn is_untold(fd: i32) -> bool {
    descriptors::told(fd, Side::Read) != Told::NoFile
}

/// Tells that a directory was listed.
pub(crate) fn listed(fd: i32) {
    let is_named = descriptors::path_position(fd).is_some();
    if names::root() == 0 && (is_named || !sandbox::is_entered()) {
        let stamp = if is_named { Stamp::default() } else { sys::stat_fd(fd).unwrap_or_default() };
        if let Some(mut draft) = transfers::about(Kind::Listed, fd, &stamp) {
            draft.seal(State::Done);
        }
    }
    descriptors::set_no_file(fd);
}
