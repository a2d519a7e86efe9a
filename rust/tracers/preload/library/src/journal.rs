//! Writing to the journal: making room, filling in, sealing.
//!
//! # Safety
//!
//! `WINDOWS` holds addresses of mappings of the journal that are never unmapped. A [`Draft`] is room in one of them that this
//! thread alone may write until it seals it; the reader looks at nothing but the seal before that.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tracer_preload_journal::entry::{ALIAS, Stamp, seal};
use tracer_preload_journal::head::{FILE_BYTES, Head, Loss};
use tracer_preload_journal::log::ticks;
use tracer_preload_journal::{Entry, Flags, Kind, State};

use crate::{gate, process, sandbox, sys};

/// The journal is mapped in windows of this size, each when it is first written to: one is enough for some 10,000 entries. A program that
/// locks all its memory locks them as well, and may lock 8 MiB in all where nobody has said otherwise (`MLOCK_LIMIT` in
/// include/uapi/linux/resource.h).
const WINDOW_BYTES: u64 = 2 << 20;

/// How much more than a window is mapped, so that an entry that begins in it ends in it as well.
const OVERLAP_BYTES: u64 = 256 << 10;

const _: () = assert!(OVERLAP_BYTES >= Entry::BYTES_MAX as u64);

/// Memory is made for the journal in steps of this: more would cost short processes, less would cost calls.
const POPULATE_BYTES: u64 = 64 << 10;

const WINDOWS_MAX: usize = (FILE_BYTES / WINDOW_BYTES) as usize;

static WINDOWS: [AtomicPtr<u8>; WINDOWS_MAX] = [const { AtomicPtr::new(ptr::null_mut()) }; WINDOWS_MAX];

/// The head; null while there is no journal.
static HEAD: AtomicPtr<Head> = AtomicPtr::new(ptr::null_mut());

/// Where the path of the journal is, NUL-terminated, in memory that lasts; 0: not known.
static FILE_PATH: AtomicUsize = AtomicUsize::new(0);

/// The thread of a process that has one.
const NO_THREAD: u32 = 0;

/// Thread descriptors are further apart than that (struct pthread of glibc and of musl).
const THREAD_BITS: u32 = 6;

/// Returns a number that tells the threads of this process apart. The kernel's own would cost a call.
fn thread() -> u32 {
    if process::has_threads() { (gate::thread() >> THREAD_BITS) as u32 } else { NO_THREAD }
}

/// Returns the head, unless there is no journal or the run is over.
pub(crate) fn head() -> Option<&'static Head> {
    // SAFETY: null, or the start of a mapping that lasts.
    let head = unsafe { HEAD.load(Ordering::Acquire).as_ref() }?;
    (head.is_over.load(Ordering::Relaxed) == 0).then_some(head)
}

/// Opens the journal of that path (NUL-terminated) and returns whether there is one.
pub(crate) fn open(path: *const u8) -> bool {
    const O_RDWR: usize = 2;
    let fd = sys::open_at(sys::AT_FDCWD, path, O_RDWR | sys::O_CLOEXEC);
    if fd < 0 {
        return false;
    }
    let base = sys::map_file(fd as i32, MAPPED_BYTES);
    sys::close(fd as i32);
    let Some(base) = base else { return false };
    let head = base.cast::<Head>();
    // SAFETY: the mapping begins with the head.
    let magic = unsafe { &*head }.magic.load(Ordering::Acquire);
    if magic != tracer_preload_journal::head::MAGIC {
        return false;
    }
    WINDOWS[0].store(base, Ordering::Release);
    FILE_PATH.store(path as usize, Ordering::Relaxed);
    HEAD.store(head, Ordering::Release);
    true
}

/// Returns the path by which the journal was opened, NUL-terminated.
pub(crate) fn file_path() -> *const u8 {
    FILE_PATH.load(Ordering::Relaxed) as *const u8
}

/// How many names the run has taken away.
pub(crate) fn names() -> u64 {
    head().map_or(0, |head| head.names.0.load(Ordering::Relaxed))
}

/// How many effects on names or contents the run has had.
pub(crate) fn changes() -> u64 {
    head().map_or(0, |head| head.changes.0.load(Ordering::Relaxed))
}

/// Says that the run changes something, before it does.
pub(crate) fn change() {
    if let Some(head) = head() {
        head.changes.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Says that the run takes a name away, before it does.
pub(crate) fn change_names() {
    if let Some(head) = head() {
        head.names.0.fetch_add(1, Ordering::Relaxed);
        head.changes.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts an entry that could not be written.
fn lose(head: &Head, loss: Loss) {
    head.lost.fetch_add(1, Ordering::Relaxed);
    // The first reason stays.
    let _before = head.loss.compare_exchange(0, loss as u32, Ordering::Relaxed, Ordering::Relaxed);
}

/// Returns the address of a position, mapping its window if need be.
fn address(position: u64) -> Option<*mut u8> {
    let window = WINDOWS.get((position / WINDOW_BYTES) as usize)?;
    let base = window.load(Ordering::Acquire);
    let base = match base.is_null() {
        false => base,
        true if sandbox::is_entered() => return None,
        true => map_window(position / WINDOW_BYTES, window)?,
    };
    // SAFETY: the position is in the window.
    Some(unsafe { base.add((position % WINDOW_BYTES) as usize) })
}

#[cold]
fn map_window(number: u64, window: &AtomicPtr<u8>) -> Option<*mut u8> {
    let base = map_at_once(number).or_else(|| map_step_by_step(number))?;
    match window.compare_exchange(ptr::null_mut(), base, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(base),
        // Another thread was first; its window is as good.
        Err(theirs) => {
            sys::unmap(base, MAPPED_BYTES);
            Some(theirs)
        }
    }
}

/// What the clock showed when it was last to be looked at; 0 while it is.
static STOPPED_CLOCK: AtomicU64 = AtomicU64::new(0);

/// The processor's clock is not to be looked at from now on: it would end the process (PR_SET_TSC, strict seccomp).
pub(crate) fn stop_clock() {
    STOPPED_CLOCK.store(ticks(), Ordering::Relaxed);
}

fn now() -> u64 {
    match STOPPED_CLOCK.load(Ordering::Relaxed) {
        0 => ticks(),
        stopped => stopped,
    }
}

/// Maps what a process in a sandbox may still write to: it can map nothing more.
pub(crate) fn prepare_for_sandbox() {
    /// Windows from where the journal ends now, each for some 10,000 entries of the whole run.
    const AHEAD: u64 = 32;
    let Some(head) = head() else { return };
    let used = head.used.0.load(Ordering::Relaxed);
    for window in 0..AHEAD {
        let _base = address(used + window * WINDOW_BYTES);
    }
}

/// Bytes of a window as it is mapped.
const MAPPED_BYTES: usize = (WINDOW_BYTES + OVERLAP_BYTES) as usize;

/// Maps a window by mapping all that is before it as well, for a moment.
fn map_at_once(number: u64) -> Option<*mut u8> {
    let first = (WINDOWS[0].load(Ordering::Relaxed), 0);
    sys::map_more(first, file_path(), (number * WINDOW_BYTES) as usize, MAPPED_BYTES)
}

/// Maps a window where the address space is limited: each begins where one before it overlaps.
fn map_step_by_step(number: u64) -> Option<*mut u8> {
    let mapped = |number: u64| WINDOWS.get(number as usize).map(|window| window.load(Ordering::Acquire));
    let from = (0..number).rev().find(|number| mapped(*number).is_some_and(|base| !base.is_null()))?;
    let mut base = mapped(from)?;
    for step in from + 1..=number {
        let start = (step * WINDOW_BYTES) as usize;
        let overlap = (base.wrapping_add(WINDOW_BYTES as usize), start);
        let next = sys::map_more(overlap, file_path(), start, MAPPED_BYTES);
        if step > from + 1 {
            sys::unmap(base, MAPPED_BYTES);
        }
        base = next?;
    }
    Some(base)
}

/// Makes sure that there is memory up to `end`: from where there is some, for what lies between belongs to others, who will not ask again
/// once `populated` says that there is.
#[cold]
fn make_memory(head: &Head, end: u64) -> Result<(), Loss> {
    if sandbox::is_entered() {
        // It cannot be asked for. A store makes it, unless there is none left.
        return Ok(());
    }
    let until = end.next_multiple_of(POPULATE_BYTES);
    let mut start = head.populated.0.load(Ordering::Relaxed) & !4095;
    while start < until {
        let piece = until.min((start & !(WINDOW_BYTES - 1)) + WINDOW_BYTES);
        let address = address(start).ok_or(Loss::Unmapped)?;
        let made = match sys::populate(address, (piece - start) as usize) {
            Err(sys::errno::EINVAL) => make_memory_by_file(start, piece),
            made => made.is_ok(),
        };
        if !made {
            return Err(Loss::Full);
        }
        head.populated.0.fetch_max(piece, Ordering::Relaxed);
        start = piece;
    }
    Ok(())
}

/// For kernels before 5.14.
fn make_memory_by_file(start: u64, until: u64) -> bool {
    const O_RDWR: usize = 2;
    let fd = sys::open_at(sys::AT_FDCWD, file_path(), O_RDWR | sys::O_CLOEXEC);
    if fd < 0 {
        return false;
    }
    let made = sys::allocate(fd as i32, start as usize, (until - start) as usize);
    sys::close(fd as i32);
    made == 0
}

/// An entry that is being written.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Draft {
    entry: *mut Entry,
    /// Where it stands.
    pub(crate) position: u64,
    len: u32,
    text_len: u16,
    text2_len: u16,
}

impl Draft {
    /// Makes room for an entry with texts of up to `room` bytes together. `None`: there is no journal, or no room, which was counted.
    pub(crate) fn new(kind: Kind, room: usize) -> Option<Self> {
        let head = head()?;
        let len = Entry::room(room, 0);
        let position = head.used.0.fetch_add(u64::from(len), Ordering::AcqRel);
        let end = position + u64::from(len);
        if end > head.bytes.load(Ordering::Relaxed) {
            lose(head, Loss::TooLong);
            return None;
        }
        if end > head.populated.0.load(Ordering::Relaxed)
            && let Err(loss) = make_memory(head, end)
        {
            lose(head, loss);
            // Unless somebody came after, the next finds no hole.
            let _other = head.used.0.compare_exchange(end, position, Ordering::AcqRel, Ordering::Relaxed);
            return None;
        }
        let Some(address) = address(position) else {
            lose(head, Loss::Unmapped);
            return None;
        };
        let entry = address.cast::<Entry>();
        // SAFETY: mapped, with memory behind it, and nobody else's.
        let sealed = unsafe { &(*entry).seal };
        sealed.store(seal(position, len, State::Reserved), Ordering::Release);
        let fresh = Entry {
            seal: AtomicU64::new(seal(position, len, State::Reserved)),
            time: now(),
            pid: process::name(),
            tid: thread(),
            kind: kind as u8,
            flags: 0.into(),
            text_len: 0,
            text2_len: 0,
            spare: 0,
            fd: -1,
            spare2: AtomicU32::new(0),
            value: AtomicU64::new(0),
            value2: AtomicU64::new(0),
            path_at: 0,
            stamp: Stamp::default(),
        };
        // SAFETY: as above.
        unsafe { entry.write(fresh) };
        Some(Self { entry, position, len, text_len: 0, text2_len: 0 })
    }

    /// Returns the entry without texts at a position, whose outcome is not told yet.
    pub(crate) fn again(position: u64) -> Option<Self> {
        let entry = ptr::from_ref(entry_at(position)?).cast_mut();
        Some(Self { entry, position, len: Entry::room(0, 0), text_len: 0, text2_len: 0 })
    }

    fn entry(&self) -> &Entry {
        // SAFETY: as the module says; atomics are what is used of it.
        unsafe { &*self.entry }
    }

    /// Returns the address of the texts.
    pub(crate) fn texts(&self) -> *mut u8 {
        // SAFETY: within the room.
        unsafe { self.entry.cast::<u8>().add(size_of::<Entry>()) }
    }

    /// Returns how many bytes of text there is room for.
    pub(crate) fn room(&self) -> usize {
        self.len as usize - size_of::<Entry>()
    }

    /// Sets the file.
    pub(crate) fn stamp(&self, stamp: &Stamp) -> &Self {
        // SAFETY: this thread's alone until it is done.
        unsafe { (*self.entry).stamp = *stamp };
        self
    }

    /// Returns whether it is about that file.
    pub(crate) fn is_about(&self, other: &Stamp) -> bool {
        // SAFETY: this thread's alone until it is done.
        let stamp = unsafe { &(*self.entry).stamp };
        (stamp.dev, stamp.ino) == (other.dev, other.ino)
    }

    /// Says that it is about another process.
    pub(crate) fn pid(&self, pid: u32) -> &Self {
        // SAFETY: this thread's alone until it is sealed.
        unsafe { (*self.entry).pid = pid };
        self
    }

    /// Sets the number.
    pub(crate) fn value(&self, value: u64) -> &Self {
        self.entry().value.store(value, Ordering::Relaxed);
        self
    }

    /// Sets the second number.
    pub(crate) fn value2(&self, value: u64) -> &Self {
        self.entry().value2.store(value, Ordering::Relaxed);
        self
    }

    /// Sets a flag.
    pub(crate) fn flag(&self, flag: Flags) -> &Self {
        self.entry().flags.fetch_or(flag.0, Ordering::Relaxed);
        self
    }

    /// Says which entry has the path of this one.
    pub(crate) fn path_at(&self, position: u64) -> &Self {
        // SAFETY: this thread's alone until it is sealed.
        unsafe { (*self.entry).path_at = position };
        self
    }

    /// Says that the texts are complete: `len` bytes of path, then `len2` of the second.
    pub(crate) fn set_texts(&mut self, len: usize, len2: usize) {
        (self.text_len, self.text2_len) = (len as u16, len2 as u16);
    }

    /// Returns the address of the number, for whoever goes on counting.
    pub(crate) fn counter(&self) -> usize {
        (&raw const self.entry().value) as usize
    }

    /// Returns whether the entry has a path of its own.
    pub(crate) fn has_path(&self) -> bool {
        self.text_len != 0
    }

    /// Gives back the room that the texts do not need, if nobody came after, and seals the entry.
    pub(crate) fn seal(&mut self, state: State) {
        let needed = Entry::room(usize::from(self.text_len), usize::from(self.text2_len));
        if needed < self.len
            && let Some(head) = head()
        {
            let (end, short) = (self.position + u64::from(self.len), self.position + u64::from(needed));
            if head.used.0.compare_exchange(end, short, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                self.len = needed;
            }
        }
        // SAFETY: this thread's alone until it is sealed.
        unsafe { (*self.entry).text_len = self.text_len };
        // SAFETY: as above.
        unsafe { (*self.entry).text2_len = self.text2_len };
        self.finish(state);
    }

    /// Says how far the entry is, whose texts are complete.
    pub(crate) fn finish(&self, state: State) {
        self.entry().seal.store(seal(self.position, self.len, state), Ordering::Release);
    }

    /// Returns the alias by which a process made by this entry can be called.
    pub(crate) fn alias(&self) -> u32 {
        ALIAS | (self.position / Entry::ALIGN) as u32
    }
}

/// Returns the path of an entry of this process or one before it, if it is there still.
pub(crate) fn text_at(position: u64) -> Option<&'static [u8]> {
    let entry = entry_at(position)?;
    let len = usize::from(entry.text_len);
    // SAFETY: the texts follow the entry.
    let texts = unsafe { ptr::from_ref(entry).cast::<u8>().add(size_of::<Entry>()) };
    // SAFETY: written before the seal, and not after.
    Some(unsafe { core::slice::from_raw_parts(texts, len) })
}

fn entry_at(position: u64) -> Option<&'static Entry> {
    let entry = address(position)?.cast::<Entry>();
    // SAFETY: mapped; positions come from drafts that were sealed.
    let entry = unsafe { &*entry };
    tracer_preload_journal::entry::unseal(position, entry.seal.load(Ordering::Acquire))?;
    Some(entry)
}

/// Leaves a note in an entry with a path: that the file was read is told in the entry at `read`, as of that many changes.
pub(crate) fn set_note(position: u64, read: u64, changes: u64) {
    if let Some(entry) = entry_at(position).filter(|entry| entry.kind == Kind::Path as u8) {
        entry.value.store(read, Ordering::Relaxed);
        entry.value2.store(changes, Ordering::Relaxed);
    }
}

/// Returns the counter of the read that a note tells of, if nothing has changed since.
pub(crate) fn note_at(position: u64, changes: u64) -> Option<usize> {
    let entry = entry_at(position).filter(|entry| entry.kind == Kind::Path as u8)?;
    let read = entry.value.load(Ordering::Relaxed);
    if read == 0 || entry.value2.load(Ordering::Relaxed) != changes {
        return None;
    }
    Some((&raw const entry_at(read)?.value) as usize)
}

/// Returns bytes before the log.
pub(crate) fn bytes_at(position: u64, len: usize) -> Option<&'static [u8]> {
    head()?;
    if position as usize + len > tracer_preload_journal::HEAD_BYTES as usize {
        return None;
    }
    let start = address(position)?;
    // SAFETY: within the first window; written before their length was, and not after.
    Some(unsafe { core::slice::from_raw_parts(start, len) })
}
