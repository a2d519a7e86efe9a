//! The first page of the journal: the words that all processes share.

use core::sync::atomic::{AtomicU32, AtomicU64};

/// "roarjrnl", and the number of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"roarjrn2");

/// Bytes before the log: the head's page and the plans. Where the first entry stands.
/// Plans take some 4 to 12 KiB each; only those that there are take memory.
pub const HEAD_BYTES: u64 = 256 * 1024;

/// Length of the file, where nothing limits it. It has no blocks but those that were written, so that this is no size but a
/// bound: some 300 million entries, which is more than the memory of a machine.
pub const FILE_BYTES: u64 = 1 << 36;

/// Requests that can wait at a time: more are not made.
pub const REQUESTS_MAX: usize = 32;

/// A word with a cache line to itself.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Alone<T>(pub T);

/// The head. All words are in the byte order of the machine: the journal never leaves it.
#[repr(C)]
#[derive(Debug)]
pub struct Head {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// Length of this file: entries end below. Less than [`FILE_BYTES`] where the collector's limits are.
    pub bytes: AtomicU64,
    /// 1 when the run is over: nobody reads any more, and nothing is to be told.
    pub is_over: AtomicU32,
    /// Bytes of [`plans`](crate::plans) after this page that are complete; it only grows.
    pub plans_bytes: AtomicU32,
    /// Position in the file where the next entry will stand: always a multiple of [`Entry::ALIGN`](crate::Entry::ALIGN).
    pub used: Alone<AtomicU64>,
    /// How many effects on names or contents the run has begun or told. While it stands still, what was learned of a path
    /// or told of a file is still so, as far as the run is concerned.
    pub changes: Alone<AtomicU64>,
    /// How many names the run has taken away from files, by renaming or removing. While it stands still, an open file and
    /// the working directory are called what they were called, as far as the run is concerned.
    pub names: Alone<AtomicU64>,
    /// Position up to which the file is known to have memory behind it; a store above it might find none (SIGBUS).
    pub populated: Alone<AtomicU64>,
    /// Entries that could not be written.
    pub lost: AtomicU64,
    /// What was lost first: a [`Loss`] number.
    pub loss: AtomicU32,
    /// Not 0: the collector answers requests; but for as long as one has just been waited for in vain.
    pub is_answering: AtomicU32,
    /// How many requests were made; a futex of the collector's.
    pub asked: AtomicU32,
    /// How many requests were answered; a futex of those who wait.
    pub answered: AtomicU32,
    /// Positions of [`Kind::Unplanned`](crate::Kind::Unplanned) entries that wait for an answer; 0: free. The collector frees a place when
    /// the plan is there, or when it is known that there will be none.
    pub requests: [AtomicU64; REQUESTS_MAX],
}

/// Why an entry could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loss {
    /// No memory behind the file: the file system of the journal is full.
    Full = 1,
    /// The part of the file could not be mapped.
    Unmapped = 2,
    /// The journal is as long as it may become.
    TooLong = 3,
}

const _: () = assert!(size_of::<Head>() <= 4096);
