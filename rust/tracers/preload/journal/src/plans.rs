//! Where the system calls of known C libraries and loaders are, worked out by the collector once for all processes.
//!
//! From [`OFFSET`] in the file on there are [`Head::plans_bytes`](crate::Head::plans_bytes) bytes of plans, each a [`Patch`] with what
//! follows it.

/// Where the plans begin.
pub const OFFSET: u64 = 4096;

/// Longest build id that is compared, bytes (SHA-1; longer ones are cut).
pub const BUILD_ID_BYTES: usize = 20;

/// How a loaded file is patched. After it come the path of its image, padded to 4 bytes, and its [`Edit`]s.
///
/// Addresses are as in the file: relative to where its first segment is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Patch {
    /// Its build id (the note `NT_GNU_BUILD_ID`), zeros at the end.
    pub build_id: [u8; BUILD_ID_BYTES],
    /// Start of the code that changes, a multiple of the page size.
    pub start: u32,
    /// End of it, a multiple of the page size.
    pub end: u32,
    /// Where `start` is in the file.
    pub offset: u32,
    /// Address of two words of memory that nobody uses, behind the end of its data: for the address of the gate, and that of where a
    /// call goes on that has made a process which shares the memory.
    pub slots: u32,
    /// Bytes of the path of the image: a copy of the file with all edits made, to be mapped in its place. 0: there is none.
    pub image_len: u32,
    /// How many edits follow.
    pub edits: u32,
}

/// A change of the code: what to write where. Its bytes follow, padded to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Edit {
    /// Address of the first byte.
    pub address: u32,
    /// How many bytes.
    pub len: u32,
}

const _: () = assert!(size_of::<Patch>() == 44 && size_of::<Edit>() == 8);
