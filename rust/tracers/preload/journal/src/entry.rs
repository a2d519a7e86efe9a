//! One entry of the log.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

/// How far an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Room was made; nothing else is written yet.
    Reserved = 1,
    /// Complete but for the outcome: its system call is under way. It may stay so for ever: the process was killed.
    Begun = 2,
    /// Complete: it happened.
    Done = 3,
    /// It did not happen, or was told for nothing.
    Void = 4,
}

impl State {
    /// Returns the state of that number.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Reserved),
            2 => Some(Self::Begun),
            3 => Some(Self::Done),
            4 => Some(Self::Void),
            _ => None,
        }
    }
}

/// Marks the upper half of every seal, together with the position.
const SEAL: u32 = u32::from_le_bytes(*b"roar");

/// Packs the first word of an entry: what it is recognized by, its length and its state.
///
/// The upper half depends on the position, so that a reader can find the next entry behind one whose length was never
/// written, and never takes text for an entry.
pub const fn seal(position: u64, len: u32, state: State) -> u64 {
    let place = (position / Entry::ALIGN) as u32;
    ((SEAL ^ place.rotate_left(7)) as u64) << 32 | ((len / Entry::ALIGN as u32) as u64) << 8 | state as u64
}

/// How many places lie between two that have the same seal, at least: as many as the file has.
#[cfg(test)]
pub(crate) const SEALS_DIFFER_WITHIN: u64 = 100_000;

/// Takes a seal apart: the length in bytes and the state; `None` if the word is no seal of an entry at that position.
pub fn unseal(position: u64, word: u64) -> Option<(u32, State)> {
    let state = State::from_number(word as u8)?;
    let len = ((word >> 8) as u32 & 0x00ff_ffff) * Entry::ALIGN as u32;
    (word == seal(position, len, state) && len as usize >= size_of::<Entry>()).then_some((len, state))
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What an entry says. "The path" and "the second path" are its texts; see [`Entry`] for the fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the kind of that number.
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// The library is in the process `pid`, in a program that has just been executed, before the program's first
    /// instruction: the path is the program's (`/proc/self/exe`), the second path is the path given to execve(2)
    /// (`AT_EXECFN`), `value` the parent process, `value2` a [`Mode`]. `stamp` is the program's, `path_at` that of the path of the root
    /// directory, where it is not the run's. Arguments, working directory and images follow, each in an entry of its own.
    Hello = 1,
    /// The arguments of the program that has said hello, NUL-separated, cut to 16 KiB.
    Arguments = 2,
    /// The working directory of the process that has said hello.
    Directory = 3,
    /// Files that the loader has mapped: their paths as the loader has them, NUL-separated; not resolved. The second text of the first such
    /// entry of a program is the loader's own path.
    Images = 4,
    /// `pid` is about to execute a program: the path is absolute and resolved as far as its directory goes, the second path
    /// as it was given, `stamp` the program's, `path_at` as of `Hello`. `Void` if it could not be executed; it stays `Begun` if it was.
    Exec = 5,
    /// `pid` is about to make the process `value`, which is 0 until it is made.
    Fork = 6,
    /// `pid` ends; `value` is its wait status (wait(2)).
    Exit = 7,
    /// `pid` has waited for its child `value`, which ended with the wait status `value2`.
    Reaped = 8,
    /// The path is what a descriptor opened by `pid` refers to: for the entries that refer to this one.
    Path = 9,
    /// The file was there, with `stamp`, before what is told next.
    Seen = 10,
    /// The path was opened with the flags `value`, which creates or empties it. `stamp`: the file before the call if
    /// [`Flags::EXISTED`], else after it.
    Open = 11,
    /// `value` bytes of the file were read, so far: later reads add to it for as long as the process runs.
    Read = 12,
    /// As `Read`, for bytes written. `stamp` is from before.
    Write = 13,
    /// The file was mapped so that its content can be seen.
    MapRead = 14,
    /// The file was mapped so that it can be changed.
    MapWrite = 15,
    /// The file's length was set to `value`; `stamp` from before.
    Truncate = 16,
    /// Bytes or length were changed by fallocate(2); `stamp` from before.
    Allocate = 17,
    /// The path was created as a file (mknod); `stamp` after.
    Create = 18,
    /// The path was renamed to the second; `stamp` is that of the source; [`Flags::EXCHANGE`]. A `Seen` of the destination
    /// goes before where there was one.
    Rename = 19,
    /// The second path is a new name of the file, whose path is the first (none where it has none); `stamp` before.
    Link = 20,
    /// The symbolic link was made, its target the second text; `stamp` after.
    Symlink = 21,
    /// The name was removed; `stamp` is the file's, before.
    Unlink = 22,
    /// Something was not seen: `value` is the number of a `GapKind` of the report, the path a file
    /// concerned, the second text the words.
    Gap = 23,
    /// The file was executed by way of a descriptor or otherwise outside `Exec`.
    Execute = 24,
    /// A library is loaded whose system calls nobody has planned for: the path is as the loader has it, the second text its
    /// [`Identity`](crate::plans::Identity), `stamp` the file's, `value` where it is loaded, `value2` a descriptor of it that
    /// stays open while the process waits for an answer.
    Unplanned = 25,
    /// Nothing was at the path, which is as it was given, behind the directory that it starts from: links are not resolved.
    Absent = 26,
    /// The directory was listed.
    Listed = 27,
}

/// How the library works in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Mode {
    /// The system calls of the C library are patched: nothing within it escapes.
    Patched = 1,
    /// The functions of the C library are hooked.
    Hooked = 2,
}

/// Details of an entry, or-ed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Flags(pub u8);

impl Flags {
    /// `Open`: the path existed before the call.
    pub const EXISTED: Self = Self(1);
    /// `Rename`: the two names changed places.
    pub const EXCHANGE: Self = Self(2);
    /// The file has no name, or has none any more: there is no path to record.
    pub const NAMELESS: Self = Self(4);
    /// `Read`, `Write`: the bytes are not known, whatever `value` says.
    pub const UNCOUNTED: Self = Self(8);
    /// The process has a sandbox in which the file could not be looked at: `stamp` is empty, and the reader looks itself.
    pub const UNSTAMPED: Self = Self(16);
    /// The path is as the process has it, in a root directory or mount namespace that is not the run's.
    pub const FOREIGN: Self = Self(32);
    /// `MapRead`: the file was mapped to be run, or as loaders map the libraries whose code they will map.
    pub const IMAGE: Self = Self(64);
    /// `Open`: the path existed before the call, and `stamp` is from after it.
    pub const AFTERWARDS: Self = Self(128);

    /// Returns whether every flag of `other` is set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns both sets together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Identity and version of a file: what stat(2) says; `ino` 0: no file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stamp {
    /// `st_dev`.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Nanoseconds since 1970.
    pub ctime_ns: i64,
    /// `st_mode`.
    pub mode: u32,
    /// Number of names.
    pub nlink: u32,
}

/// The fixed part of an entry; its texts follow at once, padded to [`Entry::ALIGN`].
///
/// All fields but the atomic ones are written before the seal says [`State::Begun`] or [`State::Done`], and not after; but
/// `stamp`, `flags` and `fd` may be written between `Begun` and `Done`.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    /// See [`seal`]. Written last, with release order.
    pub seal: AtomicU64,
    /// When: ticks of the processor's clock ([`ticks`](crate::log::ticks)).
    pub time: u64,
    /// The process that did it: as the run's PID namespace has it, or [`ALIAS`] where the process cannot know that.
    pub pid: u32,
    /// A number of its own for the thread that did it, which is not the kernel's; 0 where there is one thread.
    pub tid: u32,
    /// A [`Kind`] number.
    pub kind: u8,
    /// [`Flags`].
    pub flags: AtomicU8,
    /// Bytes of the path.
    pub text_len: u16,
    /// Bytes of the second text.
    pub text2_len: u16,
    /// Zero.
    pub spare: u16,
    /// A descriptor, or -1.
    pub fd: i32,
    /// Zero.
    pub spare2: AtomicU32,
    /// A number, by kind.
    pub value: AtomicU64,
    /// A second number, by kind.
    pub value2: AtomicU64,
    /// Position of the entry whose path is this one's as well, where it has no text of its own; 0: none.
    pub path_at: u64,
    /// The file.
    pub stamp: Stamp,
}

/// Set in the `pid` of a process in a PID namespace of its own; the other bits are the position of the [`Kind::Fork`] that
/// made it, in units of [`Entry::ALIGN`].
pub const ALIAS: u32 = 1 << 31;

impl Entry {
    /// Entries begin at multiples of this.
    pub const ALIGN: u64 = 16;

    /// Longest entry, bytes: two texts of 64 KiB.
    pub const BYTES_MAX: u32 = (size_of::<Self>() as u32 + 2 * 65536).next_multiple_of(Self::ALIGN as u32);

    /// Returns the room that an entry with texts of those lengths takes.
    pub const fn room(text_len: usize, text2_len: usize) -> u32 {
        ((size_of::<Self>() + text_len + text2_len) as u32).next_multiple_of(Self::ALIGN as u32)
    }
}

const _: () = {
    assert!(size_of::<Entry>() == 112);
    assert!((size_of::<Entry>() as u64).is_multiple_of(Entry::ALIGN));
};
