//! The rows. Numbers are the kernel's own, by way of the `syscalls` crate, which generates them from its tables.

use crate::arch::Arch;
use crate::effect::Comparison::{Eq, Ne};
use crate::effect::constants::{
    AT_REMOVEDIR, CLONE_UNTRACED, FALLOC_FL_KEEP_SIZE, FICLONE, FICLONERANGE, FS_IOC_UNRESVSP,
    FS_IOC_UNRESVSP64, FS_IOC_ZERO_RANGE, MAP_ANONYMOUS, MAP_SEGMENT, MAP_SEGMENT_MASK, O_CREAT, O_TMPFILE,
    O_TRUNC, PROT_WRITE,
};
use crate::effect::{Effect, OpenFlags, PathAt, Test, When};

/// One system call.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
    /// With which arguments.
    pub when: When,
    x86_64: Option<u32>,
    x86: Option<u32>,
    x32: Option<u32>,
    aarch64: Option<u32>,
}

impl Row {
    /// Returns the number of the call, without the mark of x32, or `None` where the architecture lacks it.
    pub const fn number(&self, arch: Arch) -> Option<u32> {
        match arch {
            Arch::X86_64 => self.x86_64,
            Arch::X86 => self.x86,
            Arch::X32 => self.x32,
            Arch::Aarch64 => self.aarch64,
        }
    }
}

/// Returns the position in [`ROWS`] of a call, if it is one that matters.
pub fn lookup(arch: Arch, number: u64) -> Option<usize> {
    ROWS.iter().position(|row| row.number(arch).is_some_and(|row| u64::from(row) == number))
}

/// Returns whether a call is one of [`LOOKUPS`].
pub fn is_lookup(arch: Arch, number: u64) -> bool {
    LOOKUPS.iter().any(|row| row.number(arch).is_some_and(|row| u64::from(row) == number))
}

const fn test(arg: u8, mask: u32, comparison: crate::Comparison, value: u32) -> Test {
    Test { arg, mask, comparison, value }
}

const fn at(dir: u8, path: u8) -> PathAt {
    PathAt { dir: Some(dir), path }
}

const fn cwd(path: u8) -> PathAt {
    PathAt { dir: None, path }
}

const ANY: u32 = u32::MAX;

/// Opens that create or empty a file have an effect of their own; of every other the kernel is asked when the
/// descriptor is first used.
const EFFECTIVE: u32 = (O_CREAT | O_TRUNC | O_TMPFILE) as u32;

const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
/// `CLONE_NEWNS`, and `CLONE_NEWUSER`, which allows what changes a root directory.
const NEW_ROOT: u32 = 0x0002_0000 | 0x1000_0000;

/// mmap(2) of a file.
/// But not of a further segment of a library: the first one has told of it.
const MAPS_FILE: When = When::All(&[
    test(4, ANY, Ne, u32::MAX),
    test(3, MAP_ANONYMOUS as u32, Eq, 0),
    test(3, MAP_SEGMENT_MASK, Ne, MAP_SEGMENT),
]);
/// `mode_t` of a regular file; 0 means one, too (mknod(2)).
const fn regular(mode: u8) -> [Test; 2] {
    [test(mode, S_IFMT, Eq, S_IFREG), test(mode, S_IFMT, Eq, 0)]
}

/// The number of one call on one architecture.
macro_rules! number {
    ($name:ident, x86_64) => {
        Some(syscalls::x86_64::Sysno::$name as u32)
    };
    ($name:ident, x86) => {
        Some(syscalls::x86::Sysno::$name as u32)
    };
    ($name:ident, x32 = $number:literal) => {
        Some($number)
    };
    ($name:ident, aarch64) => {
        Some(syscalls::aarch64::Sysno::$name as u32)
    };
}

/// `name [architectures…] effect, when;` — `all` is every architecture, `x86s` those of x86, `wide` those with 64-bit
/// registers, `only64` x86 with 64-bit registers, `only32` without, `arm` the other. x32 has the numbers of x86_64 except where `x32 N` says otherwise (arch/x86/entry/syscalls/syscall_64.tbl).
macro_rules! rows {
    ($(#[$doc:meta])+ $table:ident: $($name:ident [$set:ident $($x32:literal)?] $effect:expr, $when:expr;)+) => {
        $(#[$doc])+
        pub const $table: &[Row] = &[$(rows!(@row $name $set [$($x32)?] $effect, $when),)+];
    };
    (@row $name:ident $set:ident [$($x32:literal)?] $effect:expr, $when:expr) => {
        Row {
            name: stringify!($name),
            effect: $effect,
            when: $when,
            x86_64: rows!(@x86_64 $set $name),
            x86: rows!(@x86 $set $name),
            x32: rows!(@x32 $set $name $($x32)?),
            aarch64: rows!(@aarch64 $set $name),
        }
    };
    (@x86_64 only32 $name:ident) => { None };
    (@x86_64 arm $name:ident) => { None };
    (@x86_64 $set:ident $name:ident) => { number!($name, x86_64) };
    (@x86 wide $name:ident) => { None };
    (@x86 only64 $name:ident) => { None };
    (@x86 arm $name:ident) => { None };
    (@x86 $set:ident $name:ident) => { number!($name, x86) };
    (@x32 only32 $name:ident) => { None };
    (@x32 arm $name:ident) => { None };
    (@x32 $set:ident $name:ident $number:literal) => { Some($number) };
    (@x32 $set:ident $name:ident) => { number!($name, x86_64) };
    (@aarch64 all $name:ident) => { number!($name, aarch64) };
    (@aarch64 wide $name:ident) => { number!($name, aarch64) };
    (@aarch64 arm $name:ident) => { number!($name, aarch64) };
    (@aarch64 $set:ident $name:ident) => { None };
}

use Effect::{
    AioSubmit, Allocate, Clone, Clone3, CloneUntraced, Copy, Link, List, Look, Map, MapIndirect, Mknod,
    Namespace, Open, OpenHandle, Protect, Read, Rename, RingEnter, RingRegister, RingSetup, SeccompListener,
    Symlink, Truncate, TruncateFd, Unlink, Write,
};
use When::{All, Always, Any};

rows! {
    /// Every call that matters.
    ROWS:
    read [all] Read { fd: 0 }, Always;
    pread64 [all] Read { fd: 0 }, Always;
    readv [all 515] Read { fd: 0 }, Always;
    preadv [all 534] Read { fd: 0 }, Always;
    preadv2 [all 546] Read { fd: 0 }, Always;
    write [all] Write { fd: 0 }, Always;
    pwrite64 [all] Write { fd: 0 }, Always;
    writev [all 516] Write { fd: 0 }, Always;
    pwritev [all 535] Write { fd: 0 }, Always;
    pwritev2 [all 547] Write { fd: 0 }, Always;
    sendfile [all] Copy { from: 1, to: 0 }, Always;
    sendfile64 [only32] Copy { from: 1, to: 0 }, Always;
    copy_file_range [all] Copy { from: 0, to: 2 }, Always;
    splice [all] Copy { from: 0, to: 2 }, Always;
    ioctl [all 514] Clone { to: 0, request: 1, source: 2 },
        Any(&[
            test(1, ANY, Eq, FICLONE as u32),
            test(1, ANY, Eq, FICLONERANGE as u32),
            test(1, ANY, Eq, FS_IOC_UNRESVSP as u32),
            test(1, ANY, Eq, FS_IOC_UNRESVSP64 as u32),
            test(1, ANY, Eq, FS_IOC_ZERO_RANGE as u32),
        ]);

    open [x86s] Open { at: cwd(0), flags: OpenFlags::Arg(1) }, All(&[test(1, EFFECTIVE, Ne, 0)]);
    openat [all] Open { at: at(0, 1), flags: OpenFlags::Arg(2) }, All(&[test(2, EFFECTIVE, Ne, 0)]);
    openat2 [all] Open { at: at(0, 1), flags: OpenFlags::How(2) }, Always;
    creat [x86s] Open { at: cwd(0), flags: OpenFlags::Fixed(O_CREAT | O_TRUNC | 1) }, Always;
    open_by_handle_at [all] OpenHandle { flags: 2 }, All(&[test(2, O_TRUNC as u32, Ne, 0)]);

    mmap [wide] Map { fd: 4, prot: 2, flags: 3 }, MAPS_FILE;
    mmap2 [only32] Map { fd: 4, prot: 2, flags: 3 }, MAPS_FILE;
    mmap [only32] MapIndirect { arguments: 0 }, Always;
    mprotect [all] Protect { address: 0, length: 1 }, All(&[test(2, PROT_WRITE as u32, Ne, 0)]);
    pkey_mprotect [all] Protect { address: 0, length: 1 }, All(&[test(2, PROT_WRITE as u32, Ne, 0)]);

    truncate [all] Truncate { at: cwd(0), length: (1, None) }, Always;
    truncate64 [only32] Truncate { at: cwd(0), length: (1, Some(2)) }, Always;
    ftruncate [all] TruncateFd { fd: 0, length: (1, None) }, Always;
    ftruncate64 [only32] TruncateFd { fd: 0, length: (1, Some(2)) }, Always;
    fallocate [all] Allocate { fd: 0 }, All(&[test(1, ANY, Ne, FALLOC_FL_KEEP_SIZE)]);

    rename [x86s] Rename { from: cwd(0), to: cwd(1), flags: None }, Always;
    renameat [all] Rename { from: at(0, 1), to: at(2, 3), flags: None }, Always;
    renameat2 [all] Rename { from: at(0, 1), to: at(2, 3), flags: Some(4) }, Always;
    link [x86s] Link { from: cwd(0), to: cwd(1), flags: None }, Always;
    linkat [all] Link { from: at(0, 1), to: at(2, 3), flags: Some(4) }, Always;
    symlink [x86s] Symlink { target: 0, at: cwd(1) }, Always;
    symlinkat [all] Symlink { target: 0, at: at(1, 2) }, Always;
    unlink [x86s] Unlink { at: cwd(0) }, Always;
    unlinkat [all] Unlink { at: at(0, 1) }, All(&[test(2, AT_REMOVEDIR, Eq, 0)]);
    mknod [x86s] Mknod { at: cwd(0) }, Any(&regular(1));
    mknodat [all] Mknod { at: at(0, 1) }, Any(&regular(2));

    getdents [x86s] List { fd: 0 }, Always;
    getdents64 [all] List { fd: 0 }, Always;

    io_submit [all 544] AioSubmit { count: 1, blocks: 2 }, Always;
    io_uring_setup [all] RingSetup { params: 1 }, Always;
    io_uring_enter [all] RingEnter { fd: 0 }, Always;
    io_uring_register [all] RingRegister { fd: 0, opcode: 1, argument: 2, count: 3 }, Always;

    clone [all] CloneUntraced { flags: 0 }, All(&[test(0, CLONE_UNTRACED as u32, Ne, 0)]);
    clone3 [all] Clone3 { arguments: 0 }, Always;
    chroot [all] Namespace, Always;
    pivot_root [all] Namespace, Always;
    setns [all] Namespace, Always;
    unshare [all] Namespace, All(&[test(0, NEW_ROOT, Ne, 0)]);
    seccomp [all] SeccompListener, All(&[test(0, ANY, Eq, 1), test(1, 1 << 3, Ne, 0)]);
}

rows! {
    /// Calls that do nothing to files, and of which it is of interest if they find nothing: apart from [`ROWS`], since a seccomp filter cannot
    /// look at a result.
    LOOKUPS:
    stat [x86s] Look { at: cwd(0) }, Always;
    stat64 [only32] Look { at: cwd(0) }, Always;
    lstat [x86s] Look { at: cwd(0) }, Always;
    lstat64 [only32] Look { at: cwd(0) }, Always;
    newfstatat [only64] Look { at: at(0, 1) }, Always;
    fstatat64 [only32] Look { at: at(0, 1) }, Always;
    fstatat [arm] Look { at: at(0, 1) }, Always;
    statx [all] Look { at: at(0, 1) }, Always;
    access [x86s] Look { at: cwd(0) }, Always;
    faccessat [all] Look { at: at(0, 1) }, Always;
    faccessat2 [all] Look { at: at(0, 1) }, Always;
    readlink [x86s] Look { at: cwd(0) }, Always;
    readlinkat [all] Look { at: at(0, 1) }, Always;
    execve [all 520] Look { at: cwd(0) }, Always;
    execveat [all 545] Look { at: at(0, 1) }, Always;
}

#[cfg(test)]
mod tests;
