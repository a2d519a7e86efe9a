//! Where the system calls of known C libraries and loaders are, worked out by the collector once for all processes.
//!
//! From [`OFFSET`] in the file on there are [`Head::plans_bytes`](crate::Head::plans_bytes) bytes of plans, each a [`Plan`] and then its
//! [`Site`]s.

/// Where the plans begin.
pub const OFFSET: u64 = 4096;

/// Longest build id that is compared, bytes (SHA-1; longer ones are cut).
pub const BUILD_ID_BYTES: usize = 20;

/// A loaded file that can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Plan {
    /// Its build id (the note `NT_GNU_BUILD_ID`), zeros at the end.
    pub build_id: [u8; BUILD_ID_BYTES],
    /// How many sites follow.
    pub sites: u32,
    /// Start of the part that is to be made writable: an address as in the file, a multiple of the page size.
    pub start: u32,
    /// End of that part.
    pub end: u32,
}

/// How a site is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// `mov $NUMBER, %eax; syscall`, seven bytes that nobody jumps into: the site is the `mov`, replaced by a long jump. The jump comes
    /// back behind the `syscall`.
    Long = 1,
    /// `syscall`, two bytes: replaced by a short jump to `hole`, where there are five bytes of padding for a long one.
    Short = 2,
}

/// A system call instruction. Addresses are as in the file: relative to where its first segment is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Site {
    /// Address of the first byte that changes.
    pub address: u32,
    /// Address of the padding, for [`Form::Short`].
    pub hole: u32,
    /// The number of the call, or -1 where it is not fixed.
    pub number: i16,
    /// A [`Form`] number.
    pub form: u8,
    /// Zero.
    pub spare: u8,
}

const _: () = assert!(size_of::<Plan>() == 32 && size_of::<Site>() == 12);
