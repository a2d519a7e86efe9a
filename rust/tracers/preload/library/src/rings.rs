//! io_uring: what is submitted is looked at when the thread enters the kernel with it.
//!
//! Operations on files pass the C library by: a ring with one of them is a gap, told once. Most rings have none: event loops wait for
//! descriptors with them. Where the queues are is known from the calls that made and mapped them; a ring of which that is not known is
//! a gap as soon as something is submitted, and one that the kernel polls is one from the beginning.
//!
//! # Safety
//!
//! Words are read only from pages of which the kernel has just read a byte, at the addresses where the program mapped its ring.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use crate::descriptors::{self, Side, Told};
use crate::gaps::{self, Gap};
use crate::strings::Pages;
use crate::{sandbox, sys, transfers};

/// Flags of io_uring_setup(2) (include/uapi/linux/io_uring.h).
mod setup {
    pub(super) const SQPOLL: u32 = 1 << 1;
    pub(super) const SQE128: u32 = 1 << 10;
    pub(super) const NO_SQARRAY: u32 = 1 << 16;
    /// NO_MMAP, REGISTERED_FD_ONLY, and the modes that mix entries of two sizes.
    pub(super) const OUT_OF_SIGHT: u32 = 1 << 14 | 1 << 15 | 1 << 18 | 1 << 19;
}

/// Offsets for mmap(2) of a ring.
const OFF_QUEUE: usize = 0;
const OFF_ENTRIES: usize = 0x1000_0000;

/// io_uring_enter(2): the ring is named by its index among the registered ones.
const ENTER_REGISTERED_RING: usize = 1 << 4;

/// io_uring_register(2): IORING_REGISTER_RESIZE_RINGS, after which the queues are elsewhere.
const RESIZE: usize = 33;

/// IOSQE_FIXED_FILE: the operation is on a registered file.
const FIXED_FILE: u8 = 1;

/// Rings that are known at once; a thread of an event loop has one. A further one is a gap.
const RINGS_MAX: usize = 256;

/// What is known of a ring.
struct Ring {
    /// One more than its descriptor; 0: none is known here.
    key: AtomicI32,
    flags: AtomicU32,
    /// Entries of the submission queue.
    entries: AtomicU32,
    head: AtomicU32,
    tail: AtomicU32,
    array: AtomicU32,
    /// Where the queue is mapped; 0: not yet.
    queue: AtomicUsize,
    /// Where its entries are mapped.
    submissions: AtomicUsize,
    /// Not 0: it was told that not all was seen.
    is_told: AtomicU32,
}

static RINGS: [Ring; RINGS_MAX] = [const {
    Ring {
        key: AtomicI32::new(0),
        flags: AtomicU32::new(0),
        entries: AtomicU32::new(0),
        head: AtomicU32::new(0),
        tail: AtomicU32::new(0),
        array: AtomicU32::new(0),
        queue: AtomicUsize::new(0),
        submissions: AtomicUsize::new(0),
        is_told: AtomicU32::new(0),
    }
}; RINGS_MAX];

/// One more than the highest position in [`RINGS`] that was ever used.
static END: AtomicUsize = AtomicUsize::new(0);

fn tell_gap() {
    gaps::tell(
        Gap::IoUring,
        b"it uses an io_uring, and what goes through one does not pass the C library: trace it with `--tracer ptrace`",
    );
}

fn find(fd: i32) -> Option<&'static Ring> {
    let used = RINGS.get(..END.load(Ordering::Acquire))?;
    used.iter().find(|ring| ring.key.load(Ordering::Relaxed) == fd.wrapping_add(1))
}

/// io_uring_setup has made a ring, whose `struct io_uring_params` is at that address.
pub(crate) fn made(params: usize, fd: i32) {
    let mut bytes = [0; 72];
    let is_known = !sandbox::is_entered()
        && descriptors::is_followed(fd)
        && sys::peek(params, &mut bytes) == bytes.len();
    if !is_known {
        tell_gap();
        return;
    }
    forget(fd);
    let word = |at: usize| {
        bytes
            .get(at..at + 4)
            .map_or(0, |word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    let flags = word(8);
    let free = |(_, ring): &(usize, &Ring)| {
        ring.key.compare_exchange(0, fd.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    let is_hidden = flags & (setup::SQPOLL | setup::OUT_OF_SIGHT) != 0;
    let Some((index, ring)) = RINGS.iter().enumerate().find(free) else {
        tell_gap();
        return;
    };
    ring.flags.store(flags, Ordering::Relaxed);
    ring.entries.store(word(0), Ordering::Relaxed);
    ring.head.store(word(40), Ordering::Relaxed);
    ring.tail.store(word(44), Ordering::Relaxed);
    ring.array.store(word(64), Ordering::Relaxed);
    ring.queue.store(0, Ordering::Relaxed);
    ring.submissions.store(0, Ordering::Relaxed);
    ring.is_told.store(u32::from(is_hidden), Ordering::Relaxed);
    END.fetch_max(index + 1, Ordering::Release);
    // What is no file is not looked at again, and when its descriptor is closed that is told to `forget`.
    descriptors::set_no_file(fd);
    if is_hidden {
        tell_gap();
    }
}

/// A descriptor is about to be closed, or to become another's duplicate.
pub(crate) fn forget(fd: i32) {
    if END.load(Ordering::Relaxed) != 0
        && let Some(ring) = find(fd)
    {
        ring.key.store(0, Ordering::Relaxed);
    }
}

/// Returns whether a descriptor is a ring's.
pub(crate) fn is_ring(fd: i32) -> bool {
    END.load(Ordering::Relaxed) != 0 && find(fd).is_some()
}

/// A part of a ring was mapped.
pub(crate) fn mapped(fd: i32, offset: usize, address: isize) {
    let Some(ring) = find(fd) else { return };
    match (offset, usize::try_from(address)) {
        (OFF_QUEUE, Ok(address)) => ring.queue.store(address, Ordering::Relaxed),
        (OFF_ENTRIES, Ok(address)) => ring.submissions.store(address, Ordering::Relaxed),
        _ => {}
    }
}

/// io_uring_register is about to be called.
pub(crate) fn register(fd: i32, operation: usize) {
    if operation == RESIZE
        && let Some(ring) = find(fd)
    {
        ring.queue.store(0, Ordering::Relaxed);
    }
}

/// io_uring_enter is about to be called, with something to submit.
pub(crate) fn enter(fd: i32, flags: usize) {
    let known = if flags & ENTER_REGISTERED_RING == 0 { find(fd) } else { None };
    let Some(ring) = known else {
        // It came by inheritance or over a socket, or goes by another name.
        tell_gap();
        return;
    };
    if ring.is_told.load(Ordering::Relaxed) == 0 && ring.look() != Some(Seen::Harmless) {
        ring.is_told.store(1, Ordering::Relaxed);
        tell_gap();
    }
}

/// What was seen of what is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// It does nothing to files.
    Harmless,
    /// It may.
    Files,
}

impl Ring {
    /// Looks at all that waits in the queue: another thread may submit what this one has put there. `None`: it is not where it should be.
    fn look(&self) -> Option<Seen> {
        let load = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let (queue, submissions) =
            (self.queue.load(Ordering::Relaxed), self.submissions.load(Ordering::Relaxed));
        let (flags, entries) = (load(&self.flags), load(&self.entries));
        if queue == 0 || submissions == 0 || !entries.is_power_of_two() || sandbox::is_entered() {
            return None;
        }
        let mut pages = Pages::default();
        let head = word(&mut pages, queue + load(&self.head) as usize)?;
        let tail = word(&mut pages, queue + load(&self.tail) as usize)?;
        for position in 0..tail.wrapping_sub(head).min(entries) {
            let slot = head.wrapping_add(position) & (entries - 1);
            let index = if flags & setup::NO_SQARRAY != 0 {
                slot
            } else {
                word(&mut pages, queue + load(&self.array) as usize + 4 * slot as usize)? & (entries - 1)
            };
            let stride = if flags & setup::SQE128 != 0 { 128 } else { 64 };
            let entry = submissions + index as usize * stride;
            // `struct io_uring_sqe` begins with the operation and its flags; then comes the descriptor.
            let [operation, options, ..] = word(&mut pages, entry)?.to_le_bytes();
            let fd = word(&mut pages, entry + 4)? as i32;
            if may_touch_files(operation, options, fd) {
                return Some(Seen::Files);
            }
        }
        Some(Seen::Harmless)
    }
}

/// Returns the word at an address, if there is something.
fn word(pages: &mut Pages, address: usize) -> Option<u32> {
    if !address.is_multiple_of(4) || !pages.has(address) {
        return None;
    }
    // SAFETY: aligned, and in a page that is there; the program or the kernel may write meanwhile, hence volatile.
    Some(unsafe { (address as *const u32).read_volatile() })
}

/// Returns whether an operation may do something to a file (IORING_OP_* of Linux 6.18).
fn may_touch_files(operation: u8, options: u8, fd: i32) -> bool {
    match operation {
        // Reads and writes in all their forms, FALLOCATE, URING_CMD, FTRUNCATE.
        1 | 2 | 4 | 5 | 17 | 22 | 23 | 46 | 49 | 55 | 60 | 61 => {
            options & FIXED_FILE != 0
                || (descriptors::told(fd, Side::Read) != Told::NoFile && transfers::file_of(fd).is_some())
        }
        // CLOSE.
        19 => {
            descriptors::forget(fd);
            false
        }
        // OPENAT, OPENAT2, SPLICE, TEE, RENAMEAT, UNLINKAT, SYMLINKAT, LINKAT.
        18 | 28 | 30 | 33 | 35 | 36 | 38 | 39 => true,
        // Later ones are not known here.
        operation => operation > 64,
    }
}
