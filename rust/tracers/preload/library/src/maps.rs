//! Mappings of files.

use core::sync::atomic::{AtomicU32, Ordering};

use tracer_preload_journal::entry::{Flags, Stamp};
use tracer_preload_journal::{Kind, State};
use tracer_syscalls::constants::{MAP_DENYWRITE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::descriptors::{self, Side, Told};
use crate::journal::{self, Draft};
use crate::{sys, transfers};

/// Not 0: there is, or was, a shared mapping that could be made writable.
static HAS_SHARED: AtomicU32 = AtomicU32::new(0);

/// A mapping that is about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    fd: i32,
    stamp: Stamp,
    is_read: bool,
    /// The place of the read, if what is mapped can be changed as well.
    read: Option<Draft>,
    /// Code of it will be run. Loaders map a library as a whole first, not always so that it can be run.
    is_image: bool,
    /// Its place, if what is mapped can be changed.
    written: Option<Draft>,
    /// It can be made writable later.
    is_shared: bool,
}

/// Prepares for mmap(2) of a descriptor. `None`: there is nothing to tell of it.
pub(crate) fn prepare(fd: i32, prot: u64, flags: u64) -> Option<Mapping> {
    if descriptors::told(fd, Side::Read) == Told::NoFile {
        return None;
    }
    let is_shared = flags & MAP_SHARED != 0;
    let is_written = is_shared && prot & PROT_WRITE != 0;
    let is_read = !is_written || prot & PROT_READ != 0;
    let stamp = transfers::file_of(fd)?;
    let begin = |kind: Kind| {
        let mut draft = transfers::about(kind, fd, &stamp)?;
        draft.seal(State::Begun);
        Some(draft)
    };
    let read = if is_read && is_written { begin(Kind::MapRead) } else { None };
    if is_written {
        journal::change();
    }
    let written = if is_written { begin(Kind::MapWrite) } else { None };
    let is_read = is_read && !is_written;
    let is_image = prot & PROT_EXEC != 0 || flags & MAP_DENYWRITE != 0;
    // What is open for reading alone is never made writable in memory (mprotect(2), EACCES): tables of the C library are mapped so. With
    // threads its malloc makes memory writable all the time.
    let is_shared = is_shared && !is_written && sys::may_be_written(fd);
    Some(Mapping { fd, stamp, is_read, read, is_image, written, is_shared })
}

/// Tells what a mapping did.
pub(crate) fn leave(mapping: Mapping, result: isize) {
    let Mapping { fd, stamp, is_read, read, is_image, written, is_shared } = mapping;
    let has_failed = (-4095..0).contains(&result);
    for draft in [read, written].into_iter().flatten() {
        draft.finish(if has_failed { State::Void } else { State::Done });
    }
    if has_failed {
        return;
    }
    if is_shared {
        HAS_SHARED.store(1, Ordering::Relaxed);
    }
    if is_read && let Some(mut draft) = transfers::about(Kind::MapRead, fd, &stamp) {
        if is_image {
            draft.flag(Flags::IMAGE);
        }
        draft.seal(State::Done);
        transfers::remember_path(fd, &draft);
    }
}

/// Returns whether memory that is made writable may be a file's.
pub(crate) fn has_shared() -> bool {
    HAS_SHARED.load(Ordering::Relaxed) != 0
}
