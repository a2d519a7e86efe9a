//! Where the system calls of known C libraries and loaders are, worked out by the collector once for all processes.
//!
//! From [`OFFSET`] in the file on there are [`Head::plans_bytes`](crate::Head::plans_bytes) bytes of plans, each a [`Patch`] with what
//! follows it. More are added while a run goes on, when a process asks ([`Kind::Unplanned`](crate::Kind::Unplanned)).

use crate::entry::Stamp;

/// Where the plans begin.
pub const OFFSET: u64 = 4096;

/// Longest build id that is compared, bytes (SHA-1; longer ones are cut).
pub const BUILD_ID_BYTES: usize = 20;

/// How far below a library its thunks are mapped where there is no room for them in its code. Loaders place libraries below one another in a
/// region that has nothing else in it when a program begins; a jump reaches twice as far.
pub const FAR_BYTES: u32 = 1 << 30;

/// Which file a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Identity {
    /// 1: a build id, zeros at the end; 2: device, inode number and time of the last change, of a file that has none.
    kind: u32,
    bytes: [u8; 24],
}

impl Identity {
    /// Returns that of a file with a build id (the note `NT_GNU_BUILD_ID`).
    pub fn of_build_id(build_id: &[u8]) -> Self {
        let mut bytes = [0; 24];
        for (to, from) in bytes.iter_mut().zip(build_id.iter().take(BUILD_ID_BYTES)) {
            *to = *from;
        }
        Self { kind: 1, bytes }
    }

    /// Returns that of a file without one.
    pub fn of_file(stamp: &Stamp) -> Self {
        let mut bytes = [0; 24];
        let words = [stamp.dev, stamp.ino, stamp.ctime_ns as u64];
        let words = words.iter().flat_map(|word| word.to_ne_bytes());
        for (to, from) in bytes.iter_mut().zip(words) {
            *to = from;
        }
        Self { kind: 2, bytes }
    }

    /// Returns whether it is a build id.
    pub fn is_build_id(&self) -> bool {
        self.kind == 1
    }

    /// Returns it as bytes.
    pub fn to_bytes(&self) -> [u8; 28] {
        let mut out = [0; 28];
        let from = self.kind.to_ne_bytes();
        for (to, from) in out.iter_mut().zip(from.iter().chain(&self.bytes)) {
            *to = *from;
        }
        out
    }

    /// Returns what [`to_bytes`](Self::to_bytes) was made of.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first_chunk::<4>()?;
        let kind = u32::from_ne_bytes(*kind);
        let bytes = *rest.first_chunk::<24>()?;
        matches!(kind, 1 | 2).then_some(Self { kind, bytes })
    }
}

/// What came of planning.
pub mod verdict {
    /// The edits that follow are to be made; none: the file has no system call of interest.
    pub const PATCH: u32 = 0;
    /// The file cannot be patched.
    pub const REFUSED: u32 = 1;
}

/// How a loaded file is patched. After it come the path of its image, padded to 4 bytes, and its [`Edit`]s.
///
/// Addresses are as in the file: relative to where its first segment is loaded, and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Patch {
    /// Which file.
    pub identity: Identity,
    /// A number of [`verdict`].
    pub verdict: u32,
    /// Start of the code that changes, a multiple of the page size.
    pub start: u32,
    /// End of it, a multiple of the page size.
    pub end: u32,
    /// Where `start` is in the file.
    pub offset: u32,
    /// Bytes of memory that is to be mapped at [`FAR_BYTES`] below the file, a multiple of the page size: for the slots and the thunks.
    /// 0: those are in the code, or behind the data.
    pub far_len: u32,
    /// Address of [`SLOTS`] words of memory that nobody uses, for addresses in the library: of the gate, of where a call goes on
    /// that has made a process which shares the memory, and of the gate of cancellable calls.
    pub slots: i32,
    /// Bytes of the path of the image: a copy of the file with all edits made, to be mapped in its place. 0: there is none.
    pub image_len: u32,
    /// How many edits follow.
    pub edits: u32,
}

/// How many words there are at [`Patch::slots`].
pub const SLOTS: usize = 3;

/// A change of the code: what to write where. Its bytes follow, padded to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Edit {
    /// Address of the first byte.
    pub address: i32,
    /// How many bytes.
    pub len: u32,
}

const _: () = assert!(size_of::<Patch>() == 60 && size_of::<Edit>() == 8);
