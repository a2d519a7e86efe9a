//! What is known of each descriptor of the process, so that nothing is asked or told twice.
//!
//! The kernel's table is not copied: an entry here says only what was already told. Where there is none, the kernel is asked. An entry
//! is forgotten when its descriptor is closed or becomes another's duplicate, before any number could be used again.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tracer_preload_journal::Entry;

use crate::{journal, process, rings};

/// Descriptors below this have an entry: the hard limit of open files on most machines (systemd's is 2^19, of which few
/// programs use more than a sliver). Uses of higher ones are all told, which is slower and as right.
pub(crate) const COUNTED_MAX: usize = 1 << 15;

/// Position in [`COUNTERS`]: of reads, of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Read = 0,
    Write = 1,
}

/// For each descriptor the addresses of two counters, in the entries of the journal that told of its first read and first
/// write; 0 where nothing was told. The gate reads it.
pub(crate) static COUNTERS: [[AtomicUsize; 2]; COUNTED_MAX] =
    [const { [const { AtomicUsize::new(0) }; 2] }; COUNTED_MAX];

/// What is counted that nobody wants to know: bytes of pipes, sockets, terminals.
static SINK: AtomicU64 = AtomicU64::new(0);

/// For each descriptor the entry of the journal that has its path, in units of [`Entry::ALIGN`], 0 if none has, and how many names had been taken
/// away when that was so.
static PATHS: [(AtomicU32, AtomicU32); COUNTED_MAX] =
    [const { (AtomicU32::new(0), AtomicU32::new(0)) }; COUNTED_MAX];

/// One more than the highest descriptor that ever had an entry.
static END: AtomicUsize = AtomicUsize::new(0);

/// Not 0: threads of the process have tables of their own (unshare, close_range), and a number does not say which file.
static IS_SPLIT: AtomicU32 = AtomicU32::new(0);

/// Returns where a descriptor's entry is. A process that borrows the memory has other descriptors of the same numbers, and no entries.
fn index(fd: i32) -> Option<usize> {
    let index = usize::try_from(fd).ok()?;
    (index < COUNTED_MAX && !process::is_borrowed()).then_some(index)
}

fn remember(index: usize) {
    if END.load(Ordering::Relaxed) <= index {
        END.fetch_max(index + 1, Ordering::Relaxed);
    }
}

/// Returns whether a descriptor's number will be forgotten when it is closed.
pub(crate) fn is_followed(fd: i32) -> bool {
    IS_SPLIT.load(Ordering::Relaxed) == 0 && index(fd).is_some()
}

/// What was told of one side of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing.
    Nothing,
    /// That it is no file of interest.
    NoFile,
    /// The first use; the counter goes on.
    Used(usize),
}

/// Returns what was told of a descriptor.
pub(crate) fn told(fd: i32, side: Side) -> Told {
    let Some(counters) = index(fd).and_then(|index| COUNTERS.get(index)) else {
        return Told::Nothing;
    };
    match counters[side as usize].load(Ordering::Relaxed) {
        0 => Told::Nothing,
        sink if sink == (&raw const SINK) as usize => Told::NoFile,
        counter => Told::Used(counter),
    }
}

/// Adds bytes to a counter.
pub(crate) fn count(counter: usize, bytes: u64) {
    // SAFETY: it came from `COUNTERS`, which holds addresses of counters in parts of the journal that stay mapped.
    let counter = unsafe { &*(counter as *const AtomicU64) };
    counter.fetch_add(bytes, Ordering::Relaxed);
}

/// Takes note that the first use of a descriptor was told, in an entry with that counter.
pub(crate) fn set_told(fd: i32, side: Side, counter: usize) {
    if IS_SPLIT.load(Ordering::Relaxed) != 0 {
        return;
    }
    if let Some(index) = index(fd)
        && let Some(counters) = COUNTERS.get(index)
    {
        remember(index);
        counters[side as usize].store(counter, Ordering::Relaxed);
    }
}

/// Takes note that a descriptor is no file of interest.
pub(crate) fn set_no_file(fd: i32) {
    set_told(fd, Side::Read, (&raw const SINK) as usize);
    set_told(fd, Side::Write, (&raw const SINK) as usize);
}

/// Returns the position of the entry that has the path of a descriptor.
pub(crate) fn path_position(fd: i32) -> Option<u64> {
    let (at, names) = index(fd).and_then(|index| PATHS.get(index))?;
    let at = at.load(Ordering::Relaxed);
    (at != 0 && names.load(Ordering::Relaxed) == journal::names() as u32)
        .then(|| u64::from(at) * Entry::ALIGN)
}

/// Takes note of a new descriptor, and of the entry that has its path; 0: none has.
pub(crate) fn set_open(fd: i32, position: u64) {
    if IS_SPLIT.load(Ordering::Relaxed) != 0 {
        return;
    }
    if let Some(index) = index(fd)
        && let (Some(counters), Some((at, names))) = (COUNTERS.get(index), PATHS.get(index))
    {
        remember(index);
        counters[0].store(0, Ordering::Relaxed);
        counters[1].store(0, Ordering::Relaxed);
        names.store(journal::names() as u32, Ordering::Relaxed);
        at.store((position / Entry::ALIGN) as u32, Ordering::Relaxed);
    }
}

/// Takes note that the path of a descriptor stands at that position.
pub(crate) fn set_path(fd: i32, position: u64) {
    if IS_SPLIT.load(Ordering::Relaxed) != 0 {
        return;
    }
    if let Some((at, names)) = index(fd).and_then(|index| PATHS.get(index)) {
        remember(index(fd).unwrap_or(0));
        names.store(journal::names() as u32, Ordering::Relaxed);
        at.store((position / Entry::ALIGN) as u32, Ordering::Relaxed);
    }
}

/// Forgets a descriptor that is about to be closed.
pub(crate) fn forget(fd: i32) {
    if let Some(index) = index(fd)
        && let (Some(counters), Some((at, _))) = (COUNTERS.get(index), PATHS.get(index))
    {
        // Most descriptors that are closed are not in the table: a store would make a page for them.
        if END.load(Ordering::Relaxed) <= index {
            return;
        }
        rings::forget(fd);
        counters[0].store(0, Ordering::Relaxed);
        counters[1].store(0, Ordering::Relaxed);
        at.store(0, Ordering::Relaxed);
    }
}

/// Forgets the descriptors `first..=last`.
pub(crate) fn forget_range(first: u32, last: u32) {
    let end = END.load(Ordering::Relaxed).min((last as usize).saturating_add(1));
    for fd in (first as usize)..end {
        forget(fd as i32);
    }
}

/// `to` has become a duplicate of `from`.
pub(crate) fn duplicate(from: i32, to: i32) {
    let is_known = IS_SPLIT.load(Ordering::Relaxed) == 0
        && index(from).is_some_and(|from| from < END.load(Ordering::Relaxed));
    let (Some(source), Some(target), true) = (index(from), index(to), is_known) else {
        forget(to);
        return;
    };
    let (Some(from_counters), Some(to_counters)) = (COUNTERS.get(source), COUNTERS.get(target)) else {
        return;
    };
    let (Some(from_path), Some(to_path)) = (PATHS.get(source), PATHS.get(target)) else { return };
    remember(target);
    rings::forget(to);
    for side in [Side::Read as usize, Side::Write as usize] {
        to_counters[side].store(from_counters[side].load(Ordering::Relaxed), Ordering::Relaxed);
    }
    to_path.1.store(from_path.1.load(Ordering::Relaxed), Ordering::Relaxed);
    to_path.0.store(from_path.0.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// In a new process: what it does is to be told as its own. What descriptors are called is known still.
pub(crate) fn begin_process() {
    let sink = (&raw const SINK) as usize;
    for counters in COUNTERS.iter().take(END.load(Ordering::Relaxed)) {
        for counter in counters {
            if counter.load(Ordering::Relaxed) != sink {
                counter.store(0, Ordering::Relaxed);
            }
        }
    }
}

/// From now on a number does not say which file: threads have tables of their own.
pub(crate) fn split() {
    forget_range(0, u32::MAX);
    IS_SPLIT.store(1, Ordering::Relaxed);
}
