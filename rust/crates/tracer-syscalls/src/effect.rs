//! What a call can do, and which argument says what. Numbers `0..=5` are positions of arguments.

/// Position of an argument that is a descriptor.
pub type Descriptor = u8;

/// A path argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathAt {
    /// Position of the directory descriptor; `None`: relative to the working directory.
    pub dir: Option<Descriptor>,
    /// Position of the pointer to the path.
    pub path: u8,
}

/// Where the flags of an open are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFlags {
    /// In that argument.
    Arg(u8),
    /// In the first member of the `struct open_how` that the argument points to (openat2(2)).
    How(u8),
    /// Always these (creat(2)).
    Fixed(u64),
}

/// What a call does to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads from a descriptor.
    Read {
        /// From.
        fd: Descriptor,
    },
    /// Writes to a descriptor.
    Write {
        /// To.
        fd: Descriptor,
    },
    /// Moves bytes between descriptors.
    Copy {
        /// Read from.
        from: Descriptor,
        /// Written to.
        to: Descriptor,
    },
    /// Makes a process that refuses to be traced (CLONE_UNTRACED).
    CloneUntraced {
        /// Position of the flags.
        flags: u8,
    },
    /// As [`Self::CloneUntraced`], the flags being the first member of the `struct clone_args` that the argument points to.
    Clone3 {
        /// Position of the pointer.
        arguments: u8,
    },
    /// `ioctl(FICLONE, FICLONERANGE)`, and those that do what fallocate(2) does.
    Clone {
        /// Written to.
        to: Descriptor,
        /// Which of the two.
        request: u8,
        /// The source descriptor, or a pointer to `struct file_clone_range`.
        source: u8,
    },
    /// Opens a path.
    Open {
        /// What.
        at: PathAt,
        /// How.
        flags: OpenFlags,
    },
    /// Opens a file handle (open_by_handle_at(2)).
    OpenHandle {
        /// Position of the flags.
        flags: u8,
    },
    /// Maps a file.
    Map {
        /// What.
        fd: Descriptor,
        /// `PROT_*`.
        prot: u8,
        /// `MAP_*`.
        flags: u8,
    },
    /// Maps a file; the argument points to six arguments (`old_mmap` on 32-bit x86).
    MapIndirect {
        /// Position of the pointer.
        arguments: u8,
    },
    /// Changes what memory may be used for.
    Protect {
        /// Position of the address.
        address: u8,
        /// Position of the length.
        length: u8,
    },
    /// Sets the length of a file by path.
    Truncate {
        /// What.
        at: PathAt,
        /// Position of the length, and of its upper half where it is split.
        length: (u8, Option<u8>),
    },
    /// Sets the length of a file by descriptor.
    TruncateFd {
        /// What.
        fd: Descriptor,
        /// As in [`Self::Truncate`].
        length: (u8, Option<u8>),
    },
    /// fallocate(2).
    Allocate {
        /// What.
        fd: Descriptor,
    },
    /// Renames.
    Rename {
        /// From.
        from: PathAt,
        /// To.
        to: PathAt,
        /// Position of `RENAME_*` flags.
        flags: Option<u8>,
    },
    /// Makes a hard link.
    Link {
        /// From.
        from: PathAt,
        /// To.
        to: PathAt,
        /// Position of `AT_*` flags.
        flags: Option<u8>,
    },
    /// Makes a symbolic link.
    Symlink {
        /// Position of the pointer to the target text.
        target: u8,
        /// The link.
        at: PathAt,
    },
    /// Removes a name.
    Unlink {
        /// What.
        at: PathAt,
    },
    /// Makes a regular file.
    Mknod {
        /// What.
        at: PathAt,
    },
    /// Lists a directory. It does nothing to files, and what it tells can decide what a program does.
    List {
        /// Which.
        fd: Descriptor,
    },
    /// Looks for a path, and does nothing to what is there: of interest if nothing is.
    Look {
        /// What.
        at: PathAt,
    },
    /// Submits kernel AIO (io_submit(2)).
    AioSubmit {
        /// Position of the number of control blocks.
        count: u8,
        /// Position of the pointer to the pointers to them.
        blocks: u8,
    },
    /// Makes an io_uring.
    RingSetup {
        /// Position of the pointer to `struct io_uring_params`.
        params: u8,
    },
    /// Submits to an io_uring or waits for it.
    RingEnter {
        /// The ring.
        fd: Descriptor,
    },
    /// Registers files or buffers with an io_uring.
    RingRegister {
        /// The ring.
        fd: Descriptor,
        /// Position of the opcode.
        opcode: u8,
        /// Position of the pointer to what is registered.
        argument: u8,
        /// Position of the number of entries.
        count: u8,
    },
    /// May change what paths mean to the process (chroot, unshare, setns, pivot_root).
    Namespace,
    /// Installs a seccomp filter with a supervisor that answers calls before a tracer sees them.
    SeccompListener,
}

/// How a test compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
}

/// `argument & mask` compared with `value`. The low 32 bits only: every argument tested is an `int` to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// Position of the argument.
    pub arg: u8,
    /// Which of its bits.
    pub mask: u32,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: u32,
}

impl Test {
    /// Returns whether the arguments pass.
    pub fn passes(&self, args: &[u64; 6]) -> bool {
        let is_equal = args[usize::from(self.arg)] as u32 & self.mask == self.value;
        is_equal == (self.comparison == Comparison::Eq)
    }
}

/// With which arguments a call can have its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With any.
    Always,
    /// If all tests pass.
    All(&'static [Test]),
    /// If one does.
    Any(&'static [Test]),
}

impl When {
    /// Returns whether a call with those arguments can have its effect.
    pub fn holds(&self, args: &[u64; 6]) -> bool {
        match self {
            Self::Always => true,
            Self::All(tests) => tests.iter().all(|test| test.passes(args)),
            Self::Any(tests) => tests.iter().any(|test| test.passes(args)),
        }
    }
}

/// Values of the kernel's ABI that the table and its readers share; equal on every architecture of [`Arch`](crate::Arch).
pub mod constants {
    /// "The working directory" in place of a descriptor (include/uapi/linux/fcntl.h).
    pub const AT_FDCWD: i32 = -100;
    /// linkat(2): follow a symbolic link.
    pub const AT_SYMLINK_FOLLOW: u64 = 0x400;
    /// unlinkat(2): remove a directory.
    pub const AT_REMOVEDIR: u32 = 0x200;
    /// linkat(2): the descriptor itself.
    pub const AT_EMPTY_PATH: u64 = 0x1000;
    /// open(2) (include/uapi/asm-generic/fcntl.h).
    pub const O_CREAT: u64 = 0o100;
    /// open(2).
    pub const O_EXCL: u64 = 0o200;
    /// open(2).
    pub const O_TRUNC: u64 = 0o1000;
    /// open(2).
    pub const O_PATH: u64 = 0o10_000_000;
    /// open(2): the bit of `O_TMPFILE` that is not `O_DIRECTORY`.
    pub const O_TMPFILE: u64 = 0o20_000_000;
    /// mmap(2).
    pub const PROT_READ: u64 = 1;
    /// mmap(2).
    pub const PROT_WRITE: u64 = 2;
    /// mmap(2).
    pub const PROT_EXEC: u64 = 4;
    /// mmap(2): the bits that hold the type, of which shared ones are odd (MAP_SHARED, MAP_SHARED_VALIDATE).
    pub const MAP_SHARED: u64 = 1;
    /// mmap(2).
    pub const MAP_ANONYMOUS: u64 = 0x20;
    /// mmap(2): the kernel ignores it, and nobody but dynamic linkers sets it.
    pub const MAP_DENYWRITE: u64 = 0x800;
    /// mmap(2): the bits that tell how a dynamic linker maps a segment at its place beside one that it mapped before:
    /// the type, MAP_FIXED, and MAP_DENYWRITE, which the kernel ignores and nobody else sets.
    pub const MAP_SEGMENT_MASK: u32 = 0xf | 0x10 | 0x800;
    /// mmap(2): MAP_PRIVATE, MAP_FIXED and MAP_DENYWRITE.
    pub const MAP_SEGMENT: u32 = 0x2 | 0x10 | 0x800;
    /// renameat2(2).
    pub const RENAME_EXCHANGE: u64 = 2;
    /// ioctl_ficlone(2).
    pub const FICLONE: u64 = 0x4004_9409;
    /// ioctl_ficlone(2).
    pub const FICLONERANGE: u64 = 0x4020_940d;
    /// The old forms of fallocate(2) that change bytes (include/linux/falloc.h).
    pub const FS_IOC_UNRESVSP: u64 = 0x4030_5829;
    /// As [`FS_IOC_UNRESVSP`].
    pub const FS_IOC_UNRESVSP64: u64 = 0x4030_582b;
    /// As [`FS_IOC_UNRESVSP`].
    pub const FS_IOC_ZERO_RANGE: u64 = 0x4030_5839;
    /// clone(2): no tracer follows.
    pub const CLONE_UNTRACED: u64 = 0x0080_0000;
    /// fallocate(2): blocks only, neither bytes nor length change.
    pub const FALLOC_FL_KEEP_SIZE: u32 = 1;
}
