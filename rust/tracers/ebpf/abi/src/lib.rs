//! What the two sides of the eBPF tracer have in common: the events in the ring, and what the user side tells the kernel side before it
//! is loaded. Plain memory, the same on both sides: they run on one machine.

#![no_std]

/// Longest path that a program may give, bytes with its NUL (PATH_MAX).
pub const GIVEN_BYTES: usize = 4096;

/// Longest pair of texts of an event, bytes.
pub const TEXT_BYTES: usize = 8192;

/// Process ids end below this (PID_MAX_LIMIT, include/linux/threads.h).
pub const PIDS: usize = 1 << 22;

/// Descriptors of which is remembered what was told, of all processes together.
pub const SLOTS: usize = 1 << 14;

/// Numbers of system calls end below this.
pub const CALLS: usize = 512;

/// Rows of the tables of calls: those of the machine's own kind, and behind them those of 32-bit programs.
pub const ROWS: usize = 2 * CALLS;

/// Which process starts the command: the first child of it is the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Launcher {
    /// Its process id, in its own PID namespace.
    pub pid: u32,
    /// The inode of that namespace in nsfs (namespaces(7)).
    pub namespace: u32,
}

/// What the running kernel has, each 0 or 1. Constants to the verifier: it does not look at what another kernel would run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Features {
    /// 1: the current task is best read as what it is (since Linux 5.11); 0: as any other memory.
    pub typed_task: u32,
    /// 1: reading from an address takes no helper (since Linux 6.16).
    pub loads: u32,
    /// 1: the tracepoint `io_uring_complete` has the result among its arguments, and no entry of the ring (before Linux 6.15).
    pub ring_result: u32,
    /// 1: programs may be interrupted by others on the same processor, and of one that is the kernel leaves out what it would see meanwhile
    /// (since Linux 7).
    pub preemptible: u32,
}

/// Numbers of helpers that there are not, and numbers that nothing else has: what is done in their places depends on the kernel, and the
/// user side puts it there before it loads the programs. A condition would do, but takes the kernel long: it removes what is not run, piece
/// by piece; and what stands in a table takes an instruction more.
pub mod stand_in {
    /// The last but one of five instructions that read from an address, in this order: `r3 = r1` (the address), `r1 = rX` (a place on
    /// the stack), `r2 = SIZE`, the call, `r0 = *rX`.
    pub const READ: i32 = 0x7f_0001;
    /// No other program may interrupt this one from here on.
    pub const PREEMPT_DISABLE: i32 = 0x7f_0002;
    /// It may.
    pub const PREEMPT_ENABLE: i32 = 0x7f_0003;

    /// Numbers from here on, in moves of 32 bits, stand in for where the fields of [`FIELDS`](super::FIELDS) are, in that order.
    pub const OFFSETS: u32 = 0x7f01_0000;
    /// And from here on for what [`Features`](super::Features) says.
    pub const FEATURES: u32 = 0x7f02_0000;

    /// 64-bit numbers that stand in for the addresses of what maps hold, and the names of the maps, which have one value each. To look it
    /// up takes more instructions than what is done with it.
    pub const VALUES: [(u64, &str); 3] = [(TRACKED, "tracked"), (SLOTS, "slots"), (SEEN, "seen")];
    /// Of the table of processes.
    pub const TRACKED: u64 = 0x007f_0011_007f_0011;
    /// Of the table of descriptors.
    pub const SLOTS: u64 = 0x007f_0012_007f_0012;
    /// Of the table of threads whose call has been seen to end.
    pub const SEEN: u64 = 0x007f_0013_007f_0013;
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Kind { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Kind {
            /// Returns the kind of that number.
            pub fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// `fd` was opened; `value`: open(2) flags. The file as it is afterwards. Flag: [`CREATED`].
    Open = 1,
    /// The first read through a descriptor, of `value` bytes.
    Read = 2,
    /// The first write.
    Write = 3,
    /// `value` bytes more were read of a file.
    MoreRead = 4,
    /// `value` bytes more were written.
    MoreWrite = 5,
    /// A file was mapped. `value`: PROT_*, and MAP_* shifted left by 32; `value2`: where; `bytes`: how much. Flag: [`WRITABLE`].
    Map = 6,
    /// Memory at `value2` was made writable, `value` bytes.
    Protect = 7,
    /// The length of a file was set to `value`.
    Truncate = 8,
    /// fallocate(2) and its kin.
    Allocate = 9,
    /// Process `value` was made; its memory is `value2`.
    Fork = 10,
    /// The program of the first text is executed, with the arguments of the second.
    Exec = 11,
    /// The working directory at exec.
    Directory = 12,
    /// The process has ended, with exit code `value`.
    Exit = 13,
    /// A call on paths is about to be made: number `value`, arguments in part `value2`. The file that the first text names.
    Before = 14,
    /// The second file of such a call.
    BeforeSecond = 15,
    /// Such a call was made: `value` is its result.
    After = 16,
    /// Something that the tracer cannot follow was done: `value` is the place of the call in the tables, `value2` an argument.
    Unfollowed = 17,
    /// Memory at `value2` was given back, `value` bytes.
    Unmap = 18,
    /// Memory at `value2` was moved to `value`.
    Move = 19,
    /// The inode of a file of which the call on names under way changes something, or the request `memory` of an io_uring. `value`: of
    /// [`victim`].
    Victim = 20,
    /// A program is executed by way of the script that the first text names.
    Script = 21,
    /// A call that removes or changes names has failed.
    Failed = 22,
    /// A directory was listed.
    Listed = 23,
    /// A call looked for a path and found nothing.
    Absent = 24,
    /// The loader of the program that is executed. `value`: of [`loader`]; the second text: the root directory of the process.
    Loader = 25,
}

/// What is known of a [`Kind::Loader`].
pub mod loader {
    /// The program has none.
    pub const NONE: u64 = 0;
    /// It is the file of the event.
    pub const TOLD: u64 = 1;
    /// The kernel side has not found it.
    pub const UNKNOWN: u64 = 2;
}

/// What is known of a [`Kind::Victim`].
pub mod victim {
    /// It is the one that loses its name; else the one that does is among them.
    pub const CERTAIN: u64 = 1;
    /// It has changed already: the name is lost.
    pub const CHANGED: u64 = 2;
}

/// `Open`: the file was made by it.
pub const CREATED: u16 = 1;
/// The file has no name any more, or never had one.
pub const NAMELESS: u16 = 2;
/// `Map`: the file was opened for writing as well.
pub const WRITABLE: u16 = 4;
/// The first text is as the program gave it, with its base directory behind it: the file was not found by it.
pub const AS_GIVEN: u16 = 8;
/// The text was cut short.
pub const CUT: u16 = 16;
/// `Before`: there is no such file.
pub const ABSENT: u16 = 32;
/// `Before`: whether there is such a file is not in memory.
pub const COLD: u16 = 64;
/// `Before`: it is not known, or not yet.
pub const UNKNOWN: u16 = 256;
/// `Before`: it was looked at only after the call.
pub const LATE: u16 = 128;

/// A file at one moment. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stamp {
    /// As the kernel has it within: the major number from bit 20 on.
    pub dev: u64,
    /// 0: no file.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content.
    pub mtime_ns: i64,
    /// Last change of the inode.
    pub ctime_ns: i64,
    /// Type and permissions.
    pub mode: u32,
    /// Number of names.
    pub nlink: u32,
}

/// The beginning of each event in the ring; its texts follow.
///
/// A path is a list of names, each with a NUL behind it, the last one first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Head {
    /// CLOCK_MONOTONIC.
    pub time_ns: u64,
    /// Process, in the PID namespace of the user side.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// A [`Kind`].
    pub kind: u16,
    /// By kind.
    pub flags: u16,
    /// A descriptor.
    pub fd: i32,
    /// By kind.
    pub value: u64,
    /// By kind.
    pub value2: u64,
    /// By kind.
    pub bytes: u64,
    /// Of events about memory: which; processes may share one. Of calls on paths that an io_uring makes: the request. Else 0.
    pub memory: u64,
    /// Magic number of the file system (statfs(2)).
    pub magic: u64,
    /// Lengths of the texts, bytes.
    pub lens: [u32; 2],
    /// The file.
    pub stamp: Stamp,
}

/// What was told of a descriptor of a process, and what was not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// The table of descriptors, by its address; 0: nothing is known.
    pub files: u64,
    /// Process and epoch of it: the epoch changes with exec and the like.
    pub tag: u64,
    /// The descriptor.
    pub fd: u32,
    /// [`TOLD_READ`] and so on.
    pub flags: u32,
    /// Bytes read and written since.
    pub bytes: [u64; 2],
    /// The file.
    pub dev: u64,
    /// The file.
    pub ino: u64,
    /// The open file, by its address.
    pub file: u64,
}

/// In place of the number of a call, of [`Kind::Unfollowed`]: an operation of an io_uring on paths.
pub const RING: u64 = u64::MAX;

/// In place of the number of a call, of [`Kind::Unfollowed`]: a call of the x32 ABI.
pub const X32: u64 = u64::MAX - 1;

/// In place of a number of bytes: it is not known.
pub const UNCOUNTED: u64 = u64::MAX;

/// A first read was told.
pub const TOLD_READ: u32 = 1;
/// A first write was told.
pub const TOLD_WRITE: u32 = 2;
/// It is no file of interest.
pub const NO_FILE: u32 = 4;

/// What the kernel side does before a call, or after it. The others are positions of arguments, by act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Action {
    /// A constant of [`act`].
    pub act: u8,
    #[expect(missing_docs, reason = "see the struct")]
    pub a: u8,
    #[expect(missing_docs, reason = "see the struct")]
    pub b: u8,
    #[expect(missing_docs, reason = "see the struct")]
    pub c: u8,
    #[expect(missing_docs, reason = "see the struct")]
    pub d: u8,
    #[expect(missing_docs, reason = "see the struct")]
    pub e: u8,
    /// 1: a symbolic link is followed that is the last name of the path.
    pub follows: u8,
    /// Zero.
    pub padding: u8,
}

/// In place of the position of a directory: the working directory. Of any other argument: 0 is meant.
pub const NONE: u8 = 6;

/// Values of [`Action::act`].
#[expect(missing_docs, reason = "each is the effect of that name in the table of system calls")]
pub mod act {
    pub const NOTHING: u8 = 0;
    pub const READ: u8 = 1;
    pub const WRITE: u8 = 2;
    pub const CLOSE: u8 = 3;
    /// Opens by path: flags in argument `a`; pointer to the path `b`, directory `c`.
    pub const OPEN: u8 = 4;
    /// Opens by path: flags behind the pointer in argument `a`; pointer to the path `b`, directory `c`.
    pub const OPEN_HOW: u8 = 5;
    /// creat(2).
    pub const CREAT: u8 = 6;
    /// `a` from, `b` to.
    pub const COPY: u8 = 7;
    pub const MAP: u8 = 9;
    /// mprotect(2): address `a`, length `b`, protection `c`.
    pub const PROTECT: u8 = 10;
    /// Descriptor `a`, length `b`, its upper half `c`.
    pub const TRUNCATE_FD: u8 = 11;
    pub const ALLOCATE: u8 = 12;
    /// The descriptor returned is another one's.
    pub const DUPLICATE: u8 = 13;
    pub const CLOSE_RANGE: u8 = 14;
    /// Before: looks at the path of directory `a` and pointer `b`; tells argument `e` with it. After: looks at it again.
    pub const PATH: u8 = 15;
    /// Before: as [`PATH`], and a second of `c` and `d`.
    pub const TWO_PATHS: u8 = 16;
    /// After: looks at the path of `c` and `d`, the first of the call, and then as [`PATH`].
    pub const LINK: u8 = 18;
    /// ioctl(2): descriptor `a`, request `b`, source `c`.
    pub const IOCTL: u8 = 20;
    /// io_submit(2): the context in argument `a`, pointer to the pointers to the control blocks `b`; their number is the result. The
    /// pointers are of `c` bytes.
    pub const AIO: u8 = 21;
    /// munmap(2): address `a`, length `b`.
    pub const UNMAP: u8 = 22;
    /// mremap(2): address `a`.
    pub const MOVE: u8 = 23;
    /// Pointer `a` to six arguments of 32 bits each, of mmap(2).
    pub const MAP_INDIRECT: u8 = 24;
    /// What cannot be followed.
    pub const UNFOLLOWED: u8 = 17;
    /// A call of whose names the kernel has told by itself; argument `e` is told with its end.
    pub const TOLD: u8 = 25;
    /// Looks for a path: pointer to it `b`, directory `c`.
    pub const LOOK: u8 = 26;
}

/// In place of an offset: the running kernel has no such field. What it is needed for is not seen, and is told of as such.
pub const NO_FIELD: u32 = u32::MAX;

macro_rules! offsets {
    ($($name:ident = $($path:literal)|+;)+) => {
        /// Fields of the running kernel's structures.
        #[derive(Clone, Copy, Debug)]
        #[expect(missing_docs, non_camel_case_types, reason = "the names say it, and are those of the kernel's")]
        pub enum Field { $($name,)+ }

        /// The fields in order, each by its names in the versions of the kernel, `struct.field.field`.
        pub const FIELDS: &[&[&str]] = &[$(&[$($path),+],)+];
    };
}

offsets! {
    task_files = "task_struct.files";
    task_fs = "task_struct.fs";
    task_mm = "task_struct.mm";
    task_tgid = "task_struct.tgid";
    task_pid = "task_struct.pid";
    task_signal = "task_struct.signal";
    task_exit_code = "task_struct.exit_code";
    task_status = "task_struct.thread_info.status";
    task_flags = "task_struct.flags";
    task_thread_pid = "task_struct.thread_pid";
    task_pid_links = "task_struct.pid_links";
    signal_pids = "signal_struct.pids";
    pid_level = "pid.level";
    pid_numbers = "pid.numbers";
    pid_tasks = "pid.tasks";
    upid_namespace = "upid.ns";
    namespace_inum = "pid_namespace.ns.inum";
    namespace_level = "pid_namespace.level";
    mm_arg_start = "mm_struct.arg_start";
    mm_arg_end = "mm_struct.arg_end";
    mm_exe_file = "mm_struct.exe_file";
    mm_auxv = "mm_struct.saved_auxv";
    mm_list = "mm_struct.mmap";
    mm_tree = "mm_struct.mm_mt.ma_root";
    mapping_start = "vm_area_struct.vm_start";
    mapping_end = "vm_area_struct.vm_end";
    mapping_file = "vm_area_struct.vm_file";
    mapping_next = "vm_area_struct.vm_next";
    range_pivots = "maple_range_64.pivot";
    range_slots = "maple_range_64.slot";
    allocated_pivots = "maple_arange_64.pivot";
    allocated_slots = "maple_arange_64.slot";
    signal_live = "signal_struct.live";
    signal_exit_code = "signal_struct.group_exit_code";
    files_fdt = "files_struct.fdt";
    fdt_max = "fdtable.max_fds";
    fdt_fd = "fdtable.fd";
    file_inode = "file.f_inode";
    file_dentry = "file.f_path.dentry";
    file_mnt = "file.f_path.mnt";
    file_mode = "file.f_mode";
    path_mnt = "path.mnt";
    inode_ino = "inode.i_ino";
    inode_mode = "inode.i_mode";
    inode_nlink = "inode.i_nlink";
    inode_size = "inode.i_size";
    inode_sb = "inode.i_sb";
    inode_link = "inode.i_link";
    inode_entries = "inode.i_dentry";
    inode_mtime = "inode.i_mtime_sec" | "inode.__i_mtime.tv_sec" | "inode.i_mtime.tv_sec";
    inode_mtime_ns = "inode.i_mtime_nsec" | "inode.__i_mtime.tv_nsec" | "inode.i_mtime.tv_nsec";
    inode_ctime = "inode.i_ctime_sec" | "inode.__i_ctime.tv_sec" | "inode.i_ctime.tv_sec";
    inode_ctime_ns = "inode.i_ctime_nsec" | "inode.__i_ctime.tv_nsec" | "inode.i_ctime.tv_nsec";
    vfsmnt_sb = "vfsmount.mnt_sb";
    dentry_sb = "dentry.d_sb";
    sb_dev = "super_block.s_dev";
    sb_magic = "super_block.s_magic";
    sb_root = "super_block.s_root";
    sb_info = "super_block.s_fs_info";
    proc_namespace = "proc_fs_info.pid_ns";
    proc_pid = "proc_inode.pid";
    proc_inode = "proc_inode.vfs_inode";
    dentry_parent = "dentry.d_parent";
    dentry_name = "dentry.d_name.name";
    dentry_hash_len = "dentry.d_name.hash_len";
    dentry_inode = "dentry.d_inode";
    dentry_unhashed = "dentry.d_hash.pprev";
    dentry_flags = "dentry.d_flags";
    dentry_alias = "dentry.d_u.d_alias" | "dentry.d_alias";
    dentry_children = "dentry.d_children" | "dentry.d_subdirs";
    dentry_sibling = "dentry.d_sib" | "dentry.d_child";
    vfsmnt_root = "vfsmount.mnt_root";
    mount_mnt = "mount.mnt";
    mount_parent = "mount.mnt_parent";
    mount_mountpoint = "mount.mnt_mountpoint";
    mount_mounts = "mount.mnt_mounts";
    mount_child = "mount.mnt_child";
    fs_pwd_dentry = "fs_struct.pwd.dentry";
    fs_pwd_mnt = "fs_struct.pwd.mnt";
    fs_root_dentry = "fs_struct.root.dentry";
    fs_root_mnt = "fs_struct.root.mnt";
    bprm_file = "linux_binprm.file";
    bprm_name = "linux_binprm.filename";
    bprm_interpreter = "linux_binprm.interp";
    ring_file = "io_kiocb.file";
    ring_opcode = "io_kiocb.opcode";
    ring_open_flags = "io_open.how.flags";
    ring_splice_from = "io_splice.splice_fd_in";
    ring_open_dir = "io_open.dfd";
    ring_open_name = "io_open.filename";
    ring_unlink_dir = "io_unlink.dfd";
    ring_unlink_flags = "io_unlink.flags";
    ring_unlink_name = "io_unlink.filename";
    ring_rename_old_dir = "io_rename.old_dfd";
    ring_rename_new_dir = "io_rename.new_dfd";
    ring_rename_old = "io_rename.oldpath";
    ring_rename_new = "io_rename.newpath";
    ring_rename_flags = "io_rename.flags";
    ring_link_old_dir = "io_link.old_dfd";
    ring_link_new_dir = "io_link.new_dfd";
    ring_link_old = "io_link.oldpath";
    ring_link_new = "io_link.newpath";
    ring_link_flags = "io_link.flags";
    filename_name = "filename.name";
}
