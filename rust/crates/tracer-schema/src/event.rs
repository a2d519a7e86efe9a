//! One observed effect, 96 bytes, the same in memory, in a ring and in a file.
//!
//! All integers are little-endian. A field that an event does not use is zero. Byte strings (paths, argument lists) are
//! named by [`TextId`]; the [stream](crate::stream) that carries the event has carried the string before.

/// Number of the wire format; raised whenever the meaning of any byte changes.
pub const WIRE_VERSION: u16 = 1;

/// Size of every frame of the wire, bytes.
pub const FRAME_BYTES: usize = 96;

/// A process or thread id, as the tracer sees it (in the tracer's own PID namespace).
pub type Pid = u32;

/// Names a byte string that the stream defined before; 0 names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TextId(pub u32);

impl TextId {
    /// No string.
    pub const NONE: Self = Self(0);

    /// Returns whether a string is named.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

macro_rules! event_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What happened. The numbers are the wire's and never change meaning within a [`WIRE_VERSION`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind { $($(#[doc = $doc])+ $name = $number,)+ }

        impl EventKind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the kind of that number, or `None` for a number this version does not know.
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

event_kinds! {
    /// Defines the byte string `text` of `value` bytes, which follows in whole frames. Not an effect.
    Text = 1,
    /// The run begins: `pid` is the root process, `text` its working directory, `text2` its arguments (NUL-separated),
    /// `value` the wall clock (nanoseconds since 1970).
    Start = 2,
    /// Process `pid` made process or thread `value`. Flags: [`EventFlags::THREAD`], [`EventFlags::SHARED_FILES`].
    Fork = 3,
    /// `pid` now runs the program `text`; `text2` its arguments. Descriptors marked close-on-exec are closed.
    Exec = 4,
    /// The working directory of `pid` is `text` (told at exec, for the record of the process).
    Directory = 5,
    /// `pid` ended; `value` is its wait status (wait(2)).
    Exit = 6,
    /// The file `text` was there, with `stamp`, before the effect told next. Nothing is done to it.
    Seen = 7,
    /// `fd` now refers to `text`. `value`: open(2) flags. `stamp`: the file before the call ([`EventFlags::EXISTED`]), else after it.
    Open = 8,
    /// `fd` was closed.
    Close = 9,
    /// Descriptors `fd` to `value` were closed, or with [`EventFlags::CLOEXEC`] marked close-on-exec (close_range(2)).
    CloseRange = 10,
    /// `value` is now a duplicate of `fd`. Flags: [`EventFlags::CLOEXEC`].
    Duplicate = 11,
    /// `fd` was marked close-on-exec ([`EventFlags::CLOEXEC`] set) or unmarked.
    CloseOnExec = 12,
    /// `fd` refers to `text`, by inheritance, SCM_RIGHTS or pidfd_getfd: an open file with no effect of its own.
    Receive = 13,
    /// `value` bytes were read, [`EventFlags::UNCOUNTED`] if unknown; of `text`/`stamp`, or where those are absent of `fd`.
    Read = 14,
    /// `value` bytes were written. As `Read`.
    Write = 15,
    /// The file was mapped in a way that lets its content be seen. As `Read`.
    MapRead = 16,
    /// The file was mapped in a way that lets it be changed through memory. As `Read`.
    MapWrite = 17,
    /// The file's length was set to `value`.
    Truncate = 18,
    /// The file's bytes or length were changed by fallocate(2).
    Allocate = 19,
    /// The path `text` was created as a file of its own (mknod); `stamp` after the call.
    Create = 20,
    /// `text` was renamed to `text2`; `stamp` is the source's. Flag: [`EventFlags::EXCHANGE`].
    Rename = 21,
    /// `text2` is a new name of the file `text`, which had none if it was an `O_TMPFILE`; `stamp` is the file's.
    Link = 22,
    /// The symbolic link `text` was made, with the target text `text2`; `stamp` after the call.
    Symlink = 23,
    /// The name `text` was removed; `stamp` is the file's, before.
    Unlink = 24,
    /// The file was executed: as a program, as the interpreter of one, or as its loader.
    Execute = 25,
    /// Something could not be seen: `value` is a [`GapKind`](crate::GapKind) number, `text` a path, `text2` the words for a person.
    Gap = 26,
    /// Found when the run was over, below a directory that the run had renamed: `text`, `stamp`.
    Found = 27,
    /// The run is over; `value` is the wait status of its root process.
    End = 28,
    /// A call by the path `text` found nothing there. Nothing was made.
    Absent = 29,
    /// The directory `text`, with `stamp`, was listed.
    Listed = 30,
}

impl EventKind {
    /// Returns the name of the call that has this effect, or of the likeliest where there are several.
    pub fn call(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::MapRead | Self::MapWrite => "mmap",
            Self::Truncate => "truncate",
            Self::Allocate => "fallocate",
            Self::Create => "mknod",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Symlink => "symlink",
            Self::Unlink => "unlink",
            Self::Execute | Self::Exec => "execve",
            Self::Open => "open",
            Self::Receive => "recvmsg",
            Self::Close | Self::CloseRange => "close",
            Self::Duplicate => "dup",
            Self::CloseOnExec => "fcntl",
            Self::Fork => "fork",
            Self::Directory => "chdir",
            Self::Exit | Self::End => "exit",
            Self::Absent => "stat",
            Self::Listed => "getdents64",
            Self::Text | Self::Start | Self::Seen | Self::Gap | Self::Found => "",
        }
    }
}

/// Flags of an event, or-ed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct EventFlags(pub u8);

impl EventFlags {
    /// `Open`: the path existed before the call. `Fork`: the process was told of before, and now it is known which thread made it.
    pub const EXISTED: Self = Self(1);
    /// `Fork`: a thread of the same process.
    pub const THREAD: Self = Self(2);
    /// `Open`, `Write`, `Truncate`, `Allocate`: `stamp` is that of after the call. What the file was before is known from earlier events, or not at all.
    pub const AFTERWARDS: Self = Self(2);
    /// `Fork`: the child shares the table of descriptors (CLONE_FILES).
    pub const SHARED_FILES: Self = Self(4);
    /// `CloseRange`, `Duplicate`, `CloseOnExec`, `Receive`: close-on-exec.
    pub const CLOEXEC: Self = Self(8);
    /// `Rename`: the two names changed places (RENAME_EXCHANGE).
    pub const EXCHANGE: Self = Self(16);
    /// `Read`, `Write`: the number of bytes is not known.
    pub const UNCOUNTED: Self = Self(32);
    /// The file has no name any more, or never had one: `text` is not to be recorded.
    pub const NAMELESS: Self = Self(64);
    /// `Read`, `Write`: `value` bytes more of an effect told before. Nothing else has happened.
    pub const MORE: Self = Self(128);

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

/// Identity and version of a file at one moment: what stat(2) says.
///
/// A file with `ino == 0` is absent: no file system that holds files numbers an inode 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[repr(C)]
pub struct FileStamp {
    /// Device, as `st_dev`.
    pub dev: u64,
    /// Inode number; 0: no file.
    pub ino: u64,
    /// Length, bytes.
    pub size: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Last change of the inode, nanoseconds since 1970.
    pub ctime_ns: i64,
    /// `st_mode`: type and permissions.
    pub mode: u32,
    /// Number of names.
    pub nlink: u32,
}

/// The bits of `st_mode` that hold the type, and the types that matter (inode(7)).
mod mode {
    pub(super) const TYPE: u32 = 0o170_000;
    pub(super) const DIRECTORY: u32 = 0o040_000;
    pub(super) const REGULAR: u32 = 0o100_000;
    pub(super) const SYMLINK: u32 = 0o120_000;
}

impl FileStamp {
    /// Returns whether there is a file.
    pub fn is_some(&self) -> bool {
        self.ino != 0
    }

    /// Returns whether the other is of the same file, at this or at another moment.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// Returns whether this is a regular file.
    pub fn is_regular(&self) -> bool {
        self.mode & mode::TYPE == mode::REGULAR
    }

    /// Returns whether this is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.mode & mode::TYPE == mode::SYMLINK
    }

    /// Returns whether this is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & mode::TYPE == mode::DIRECTORY
    }
}

/// One observed effect. See [`EventKind`] for which fields each kind uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TraceEvent {
    /// Since the start of the run, nanoseconds.
    pub time_ns: u64,
    /// Process (thread group) that did it.
    pub pid: Pid,
    /// Thread that did it.
    pub tid: Pid,
    /// What happened.
    pub kind: EventKind,
    /// Details, by kind.
    pub flags: EventFlags,
    /// Zero.
    pub reserved: u16,
    /// A descriptor, or -1.
    pub fd: i32,
    /// First byte string.
    pub text: TextId,
    /// Second byte string.
    pub text2: TextId,
    /// A number, by kind.
    pub value: u64,
    /// A second number, by kind.
    pub value2: u64,
    /// The file that the event is about.
    pub stamp: FileStamp,
}

const _: () = {
    assert!(size_of::<TraceEvent>() == FRAME_BYTES);
    assert!(core::mem::offset_of!(TraceEvent, kind) == 16);
    assert!(core::mem::offset_of!(TraceEvent, fd) == 20);
    assert!(core::mem::offset_of!(TraceEvent, text) == 24);
    assert!(core::mem::offset_of!(TraceEvent, value) == 32);
    assert!(core::mem::offset_of!(TraceEvent, stamp) == 48);
};

/// Why a frame is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// The frame was never written: its kind is 0.
    Empty,
    /// The kind has a number that this version does not know.
    UnknownKind(u8),
}

impl TraceEvent {
    /// Returns an event with nothing but a kind and who did it.
    pub fn new(kind: EventKind, time_ns: u64, pid: Pid, tid: Pid) -> Self {
        Self {
            time_ns,
            pid,
            tid,
            kind,
            flags: EventFlags::default(),
            reserved: 0,
            fd: -1,
            text: TextId::NONE,
            text2: TextId::NONE,
            value: 0,
            value2: 0,
            stamp: FileStamp::default(),
        }
    }

    /// Returns the frame: the very bytes the event has in the memory of a little-endian machine.
    pub fn to_frame(&self) -> [u8; FRAME_BYTES] {
        let Self { time_ns, pid, tid, kind, flags, reserved, fd, text, text2, value, value2, stamp } = *self;
        let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink } = stamp;
        let mut frame = [0; FRAME_BYTES];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            frame[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&time_ns.to_le_bytes());
        put(&pid.to_le_bytes());
        put(&tid.to_le_bytes());
        put(&[kind as u8, flags.0]);
        put(&reserved.to_le_bytes());
        put(&fd.to_le_bytes());
        put(&text.0.to_le_bytes());
        put(&text2.0.to_le_bytes());
        put(&value.to_le_bytes());
        put(&value2.to_le_bytes());
        put(&dev.to_le_bytes());
        put(&ino.to_le_bytes());
        put(&size.to_le_bytes());
        put(&mtime_ns.to_le_bytes());
        put(&ctime_ns.to_le_bytes());
        put(&mode.to_le_bytes());
        put(&nlink.to_le_bytes());
        frame
    }

    /// Returns the event of a frame.
    ///
    /// # Errors
    /// A frame that was never written, or is of a kind from a later version.
    pub fn from_frame(frame: &[u8; FRAME_BYTES]) -> Result<Self, BadFrame> {
        fn take<const N: usize>(frame: &[u8; FRAME_BYTES], at: usize) -> [u8; N] {
            let mut bytes = [0; N];
            bytes.copy_from_slice(&frame[at..at + N]);
            bytes
        }
        let u32_at = |at| u32::from_le_bytes(take(frame, at));
        let u64_at = |at| u64::from_le_bytes(take(frame, at));
        let i64_at = |at| i64::from_le_bytes(take(frame, at));
        let kind = match frame[16] {
            0 => return Err(BadFrame::Empty),
            number => EventKind::from_number(number).ok_or(BadFrame::UnknownKind(number))?,
        };
        Ok(Self {
            time_ns: u64_at(0),
            pid: u32_at(8),
            tid: u32_at(12),
            kind,
            flags: EventFlags(frame[17]),
            reserved: u16::from_le_bytes(take(frame, 18)),
            fd: i32::from_le_bytes(take(frame, 20)),
            text: TextId(u32_at(24)),
            text2: TextId(u32_at(28)),
            value: u64_at(32),
            value2: u64_at(40),
            stamp: FileStamp {
                dev: u64_at(48),
                ino: u64_at(56),
                size: u64_at(64),
                mtime_ns: i64_at(72),
                ctime_ns: i64_at(80),
                mode: u32_at(88),
                nlink: u32_at(92),
            },
        })
    }
}
