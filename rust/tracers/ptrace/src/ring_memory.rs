//! The queues of an io_uring, mapped for the length of a stop.
//!
//! # Safety
//!
//! The mapping is shared with the kernel and with a process that is not trusted: it is only read, through volatile loads
//! of whole words at offsets that were checked against its length.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::Tid;

/// Offsets for mmap(2) of a ring (include/uapi/linux/io_uring.h).
const OFF_RINGS: i64 = 0;
const OFF_COMPLETIONS: i64 = 0x800_0000;
const OFF_ENTRIES: i64 = 0x1000_0000;

const SETUP_SQE128: u32 = 1 << 10;
const SETUP_CQE32: u32 = 1 << 11;
const SETUP_NO_SQARRAY: u32 = 1 << 16;
const FEATURE_SINGLE_MMAP: u32 = 1;

/// Bytes of a submission that are looked at; larger ones begin with these.
const SQE_BYTES: usize = 64;

/// The layout of a ring, as io_uring_setup(2) returns it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offsets {
    pub(crate) flags: u32,
    features: u32,
    sq_entries: u32,
    cq_entries: u32,
    sq_head: u32,
    sq_tail: u32,
    sq_array: u32,
    cq_tail: u32,
    cqes: u32,
}

impl Offsets {
    /// Takes struct io_uring_params apart.
    pub(crate) fn parse(params: &[u8; 120]) -> Self {
        let word =
            |at: usize| u32::from_le_bytes([params[at], params[at + 1], params[at + 2], params[at + 3]]);
        Self {
            sq_entries: word(0),
            cq_entries: word(4),
            flags: word(8),
            features: word(20),
            sq_head: word(40),
            sq_tail: word(44),
            sq_array: word(64),
            cq_tail: word(84),
            cqes: word(100),
        }
    }

    fn sqe_stride(&self) -> usize {
        if self.flags & SETUP_SQE128 != 0 { 128 } else { SQE_BYTES }
    }

    fn cqe_stride(&self) -> usize {
        if self.flags & SETUP_CQE32 != 0 { 32 } else { 16 }
    }

    fn rings_len(&self) -> usize {
        let array = if self.flags & SETUP_NO_SQARRAY != 0 { 64 } else { self.sq_array as usize };
        array + 4 * self.sq_entries as usize
    }

    fn completions_len(&self) -> usize {
        self.cqes as usize + self.cq_entries as usize * self.cqe_stride()
    }
}

/// A read-only mapping.
struct Map {
    start: *const u8,
    len: usize,
}

impl Map {
    fn new(fd: &OwnedFd, offset: i64, len: usize) -> io::Result<Self> {
        let (prot, flags) = (libc::PROT_READ, libc::MAP_SHARED);
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, fd.as_raw_fd(), offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { start: start.cast(), len })
    }

    fn word(&self, at: usize) -> u32 {
        if !at.is_multiple_of(4) || at.saturating_add(4) > self.len {
            return 0;
        }
        // SAFETY: aligned, and within the mapping by the test above.
        let place: *const u32 = unsafe { self.start.add(at) }.cast();
        // SAFETY: the mapping lives as long as `self`; the kernel or the process may write meanwhile, hence volatile.
        unsafe { place.read_volatile() }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made, used by nobody any more.
        unsafe { libc::munmap(self.start.cast_mut().cast(), self.len) };
    }
}

/// A submission queue entry.
#[derive(Clone, Copy)]
pub(crate) struct Sqe([u32; SQE_BYTES / 4]);

impl Sqe {
    fn wide(&self, index: usize) -> u64 {
        u64::from(self.0[index]) | u64::from(self.0[index + 1]) << 32
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.0[0] as u8
    }

    pub(crate) fn flags(&self) -> u8 {
        (self.0[0] >> 8) as u8
    }

    pub(crate) fn fd(&self) -> i32 {
        self.0[1] as i32
    }

    /// `off`, or `addr2`.
    pub(crate) fn offset(&self) -> u64 {
        self.wide(2)
    }

    pub(crate) fn address(&self) -> u64 {
        self.wide(4)
    }

    pub(crate) fn length(&self) -> u32 {
        self.0[6]
    }

    /// Flags of the operation.
    pub(crate) fn op_flags(&self) -> u32 {
        self.0[7]
    }

    pub(crate) fn user_data(&self) -> u64 {
        self.wide(8)
    }

    /// `file_index`, or `splice_fd_in`.
    pub(crate) fn file_index(&self) -> u32 {
        self.0[11]
    }
}

/// The queues of a ring.
pub(crate) struct RingMemory {
    rings: Map,
    completions: Option<Map>,
    entries: Map,
}

impl RingMemory {
    /// Maps the queues of another process's ring.
    pub(crate) fn map(pid: Tid, ring: i32, offsets: &Offsets) -> io::Result<Self> {
        let ring = take_descriptor(pid, ring)?;
        let single = offsets.features & FEATURE_SINGLE_MMAP != 0;
        let rings_len =
            if single { offsets.rings_len().max(offsets.completions_len()) } else { offsets.rings_len() };
        let completions =
            if single { None } else { Some(Map::new(&ring, OFF_COMPLETIONS, offsets.completions_len())?) };
        let entries_len = offsets.sq_entries as usize * offsets.sqe_stride();
        Ok(Self {
            rings: Map::new(&ring, OFF_RINGS, rings_len)?,
            completions,
            entries: Map::new(&ring, OFF_ENTRIES, entries_len)?,
        })
    }

    /// Returns the entries that the kernel will take, up to `count`, in order.
    pub(crate) fn submissions(&self, offsets: &Offsets, count: u32) -> Vec<Sqe> {
        let head = self.rings.word(offsets.sq_head as usize);
        let tail = self.rings.word(offsets.sq_tail as usize);
        let count = count.min(tail.wrapping_sub(head)).min(offsets.sq_entries);
        let mask = offsets.sq_entries.wrapping_sub(1);
        (0..count)
            .map(|position| {
                let slot = head.wrapping_add(position) & mask;
                let index = if offsets.flags & SETUP_NO_SQARRAY != 0 {
                    slot
                } else {
                    self.rings.word(offsets.sq_array as usize + 4 * slot as usize) & mask
                };
                let at = index as usize * offsets.sqe_stride();
                let mut words = [0; SQE_BYTES / 4];
                for (word, value) in words.iter_mut().enumerate() {
                    *value = self.entries.word(at + 4 * word);
                }
                Sqe(words)
            })
            .collect()
    }
}

/// How far completions were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompletionQueue {
    seen: u32,
}

impl CompletionQueue {
    /// Returns the completions since the last time: user data and result. Of those that were overwritten meanwhile,
    /// because the program took them and the queue went round, nothing is known.
    pub(crate) fn take(&mut self, memory: &RingMemory, offsets: &Offsets) -> Vec<(u64, i32)> {
        let map = memory.completions.as_ref().unwrap_or(&memory.rings);
        let tail = map.word(offsets.cq_tail as usize);
        let count = tail.wrapping_sub(self.seen).min(offsets.cq_entries);
        let mask = offsets.cq_entries.wrapping_sub(1);
        let taken = (0..count)
            .map(|position| {
                let slot = tail.wrapping_sub(count).wrapping_add(position) & mask;
                let at = offsets.cqes as usize + slot as usize * offsets.cqe_stride();
                let user_data = u64::from(map.word(at)) | u64::from(map.word(at + 4)) << 32;
                (user_data, map.word(at + 8) as i32)
            })
            .collect();
        self.seen = tail;
        taken
    }
}

/// Returns a duplicate of another process's descriptor (pidfd_getfd(2), Linux 5.6).
fn take_descriptor(pid: Tid, fd: i32) -> io::Result<OwnedFd> {
    let owned = |fd: libc::c_long| {
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given us the descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    };
    // SAFETY: numbers only.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.0, 0) })?;
    // SAFETY: numbers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })
}
