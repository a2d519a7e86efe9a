//! The log: entries one after the other, read from mapped memory.
//!
//! # Safety
//!
//! A [`Log`] is made of a mapping of the whole file that outlives it. Other processes write to it while it is read; all
//! that is looked at before a seal says that it is complete are atomics, and what is copied out is plain numbers and bytes, of
//! which every value is valid.

use core::marker::PhantomData;
use core::ptr::{NonNull, read_volatile};
use core::slice;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::entry::{Entry, Flags, Kind, Stamp, State, unseal};
use crate::head::{HEAD_BYTES, Head};

/// A mapping of a whole journal.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    base: NonNull<u8>,
    bytes: u64,
    mapping: PhantomData<&'a Head>,
}

// SAFETY: what is shared is atomics, and bytes that are copied out.
unsafe impl Send for Log<'_> {}

/// What stands at a position.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// Nothing: the end of the log, or room that somebody has taken and not begun to fill.
    Empty,
    /// An entry that somebody is filling in; it ends there.
    Reserved(u64),
    /// An entry.
    Entry(Told<'a>),
}

/// An entry, copied out.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Where it stands.
    pub position: u64,
    /// Where the next one stands.
    pub next: u64,
    /// `Begun`, `Done` or `Void`.
    pub state: State,
    /// `None`: of a kind that this version does not know.
    pub kind: Option<Kind>,
    /// See [`Entry::time`].
    pub time: u64,
    /// See [`Entry::pid`].
    pub pid: u32,
    /// See [`Entry::tid`].
    pub tid: u32,
    /// Details.
    pub flags: Flags,
    /// A descriptor, or -1.
    pub fd: i32,
    /// A number, by kind, as it is now.
    pub value: u64,
    /// A second number, as it is now.
    pub value2: u64,
    /// See [`Entry::path_at`].
    pub path_at: u64,
    /// The file.
    pub stamp: Stamp,
    /// The path; empty where it has none.
    pub path: &'a [u8],
    /// The second text.
    pub text2: &'a [u8],
}

impl<'a> Log<'a> {
    /// Returns the log of a mapped journal.
    ///
    /// # Safety
    /// `base` is the start of a readable mapping of all `bytes` of a journal, more than the head, which lasts as long as `'a`.
    pub unsafe fn new(base: NonNull<u8>, bytes: u64) -> Self {
        Self { base, bytes, mapping: PhantomData }
    }

    /// Returns the head.
    pub fn head(&self) -> &'a Head {
        // SAFETY: the mapping begins with it, and it is made of atomics.
        unsafe { self.base.cast::<Head>().as_ref() }
    }

    /// Returns the address of a position.
    fn at(&self, position: u64) -> *const u8 {
        self.base.as_ptr().wrapping_add(position as usize)
    }

    fn word(&self, position: u64) -> u64 {
        // SAFETY: callers have checked that the position is in the file, and a multiple of 8.
        let word = unsafe { &*self.at(position).cast::<AtomicU64>() };
        word.load(Ordering::Acquire)
    }

    /// Returns what stands at a position: [`HEAD_BYTES`], or where another entry ends.
    pub fn look(&self, position: u64) -> Place<'a> {
        let fixed = size_of::<Entry>() as u64;
        if position < HEAD_BYTES || !position.is_multiple_of(Entry::ALIGN) || position > self.bytes - fixed {
            return Place::Empty;
        }
        let Some((len, state)) = unseal(position, self.word(position)) else {
            return Place::Empty;
        };
        let next = position + u64::from(len);
        if next > self.bytes {
            return Place::Empty;
        }
        if state == State::Reserved {
            return Place::Reserved(next);
        }
        // SAFETY: within the file, as checked; nobody writes these fields any more, but for numbers.
        let entry = unsafe { &*self.at(position).cast::<Entry>() };
        // SAFETY: a plain field of a valid reference. Volatile: it may be filled in until the state is `Done`.
        let stamp = unsafe { read_volatile(&raw const entry.stamp) };
        let (text_len, text2_len) = (usize::from(entry.text_len), usize::from(entry.text2_len));
        let room = len as usize - size_of::<Entry>();
        let is_sound = text_len + text2_len <= room;
        // SAFETY: within the entry, as checked in the line above and again below; written before the seal.
        let texts = unsafe { slice::from_raw_parts(self.at(position + fixed), room) };
        let (path, rest) = texts.split_at(if is_sound { text_len } else { 0 });
        Place::Entry(Told {
            position,
            next,
            state,
            kind: Kind::from_number(entry.kind).filter(|_| is_sound),
            time: entry.time,
            pid: entry.pid,
            tid: entry.tid,
            flags: Flags(entry.flags.load(Ordering::Relaxed)),
            fd: entry.fd,
            value: entry.value.load(Ordering::Relaxed),
            value2: entry.value2.load(Ordering::Relaxed),
            path_at: entry.path_at,
            stamp,
            path,
            text2: &rest[..if is_sound { text2_len } else { 0 }],
        })
    }

    /// Returns the position of the first entry from `position` on, below `end`: for a process that was killed between
    /// making room and saying how much. `position` and `end` are multiples of [`Entry::ALIGN`].
    pub fn resume(&self, position: u64, end: u64) -> Option<u64> {
        let end = end.min(self.bytes - size_of::<Entry>() as u64);
        let mut at = position.max(HEAD_BYTES).next_multiple_of(Entry::ALIGN);
        while at < end {
            if unseal(at, self.word(at)).is_some() {
                return Some(at);
            }
            at += Entry::ALIGN;
        }
        None
    }
}

/// Returns the processor's clock: ticks that all processors count alike and that never go back.
#[cfg(target_arch = "x86_64")]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Returns the processor's clock: ticks that all processors count alike and that never go back.
#[cfg(target_arch = "aarch64")]
pub fn ticks() -> u64 {
    let ticks;
    // SAFETY: reads a register that Linux and macOS leave readable.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

#[cfg(test)]
mod tests;
