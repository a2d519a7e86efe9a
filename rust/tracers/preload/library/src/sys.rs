//! System calls of the library's own. All of them leave through one instruction, in the gate: whoever filters calls by the
//! address that they come from can tell them from the program's.
//!
//! # Safety
//!
//! Pointers are to memory of this library's own, or are the program's and go to the kernel alone, which checks them.

use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;

use syscalls::Sysno;
use tracer_preload_journal::entry::Stamp;

use crate::decimal::Decimal;
use crate::gate::raw;
use crate::valgrind;

/// "The working directory" in place of a descriptor.
pub(crate) const AT_FDCWD: i32 = -100;
const AT_SYMLINK_NOFOLLOW: usize = 0x100;
const AT_EMPTY_PATH: usize = 0x1000;
pub(crate) const O_PATH: usize = 0o10_000_000;
pub(crate) const O_CLOEXEC: usize = 0o2_000_000;
#[cfg(target_arch = "x86_64")]
pub(crate) const O_DIRECTORY: usize = 0o200_000;
#[cfg(target_arch = "aarch64")]
pub(crate) const O_DIRECTORY: usize = 0o40_000;
/// openat2(2): fail with ELOOP where the path leads through any symbolic link.
const RESOLVE_NO_SYMLINKS: u64 = 4;
/// fcntl(2), include/uapi/asm-generic/fcntl.h.
const F_GETFL: usize = 3;

/// What open(2) takes of its `mode` (S_IALLUGO, include/linux/stat.h).
const MODE_BITS: u64 = 0o7777;

/// Error numbers that decide something here.
pub(crate) mod errno {
    pub(crate) use crate::errors::*;

    pub(crate) const EAGAIN: isize = -11;
    pub(crate) const ENAMETOOLONG: isize = -36;
    pub(crate) const ENOSYS: isize = -38;
    pub(crate) const ELOOP: isize = -40;
}

#[cfg(target_arch = "x86_64")]
const NEWFSTATAT: Sysno = Sysno::newfstatat;
#[cfg(target_arch = "aarch64")]
const NEWFSTATAT: Sysno = Sysno::fstatat;

/// Any address, any length: what filters look at is flags and descriptors.
const SOME: usize = 4096;
const HERE: usize = AT_FDCWD as usize;

/// The calls that the library makes once a program runs, with arguments as they are given: for asking filters about them.
pub(crate) const CALLS: &[(Sysno, [usize; 6])] = &[
    (Sysno::fstat, [3, SOME, 0, 0, 0, 0]),
    (NEWFSTATAT, [HERE, SOME, SOME, AT_SYMLINK_NOFOLLOW, 0, 0]),
    (NEWFSTATAT, [3, SOME, SOME, AT_EMPTY_PATH, 0, 0]),
    (Sysno::openat2, [HERE, SOME, SOME, size_of::<OpenHow>(), 0, 0]),
    (Sysno::openat, [HERE, SOME, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0, 0]),
    (Sysno::openat, [HERE, SOME, 2 | O_CLOEXEC, 0, 0, 0]),
    (Sysno::close, [3, 0, 0, 0, 0, 0]),
    (Sysno::readlinkat, [HERE, SOME, SOME, SOME, 0, 0]),
    (Sysno::getcwd, [SOME, SOME, 0, 0, 0, 0]),
    (Sysno::fcntl, [3, F_GETFL, 0, 0, 0, 0]),
    (Sysno::getpid, [0; 6]),
    (Sysno::getppid, [0; 6]),
    (Sysno::read, [3, SOME, SOME, 0, 0, 0]),
    (Sysno::process_vm_readv, [SOME, SOME, 1, SOME, 1, 0]),
    (Sysno::mmap, [0, SOME, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, usize::MAX, 0]),
    (Sysno::mmap, [0, SOME, PROT_READ_WRITE, MAP_SHARED, 3, 0]),
    (Sysno::mmap, [SOME, SOME, PROT_READ_EXEC, MAP_PRIVATE_FIXED, 3, 0]),
    (Sysno::munmap, [SOME, SOME, 0, 0, 0, 0]),
    (Sysno::mremap, [SOME, 0, SOME, MREMAP_MAYMOVE, 0, 0]),
    (Sysno::madvise, [SOME, SOME, MADV_POPULATE_WRITE, 0, 0, 0]),
];

/// Returns whether a file was opened for writing too, or that cannot be found out.
pub(crate) fn may_be_written(fd: i32) -> bool {
    // O_ACCMODE and O_RDONLY (include/uapi/asm-generic/fcntl.h).
    let flags = call(Sysno::fcntl, [fd as usize, F_GETFL, 0, 0, 0, 0]);
    flags < 0 || flags & 3 != 0
}

/// Returns the address that they come from.
pub(crate) fn address() -> usize {
    raw as *const () as usize
}

fn call(number: Sysno, args: [usize; 6]) -> isize {
    // SAFETY: see the module; callers below pass what each call asks for.
    unsafe { raw(number as usize, args[0], args[1], args[2], args[3], args[4], args[5]) }
}

/// `struct stat` of the kernel (arch/*/include/uapi/asm/stat.h), as words.
#[repr(C, align(8))]
struct Stat([u64; 18]);

#[cfg(target_arch = "x86_64")]
fn links_and_mode(stat: &[u64; 18]) -> (u32, u32) {
    (stat[2] as u32, stat[3] as u32)
}

#[cfg(target_arch = "aarch64")]
fn links_and_mode(stat: &[u64; 18]) -> (u32, u32) {
    ((stat[2] >> 32) as u32, stat[2] as u32)
}

fn stamp_of(Stat(stat): &Stat) -> Stamp {
    let (nlink, mode) = links_and_mode(stat);
    let ns = |at: usize| (stat[at] as i64).wrapping_mul(1_000_000_000).wrapping_add(stat[at + 1] as i64);
    Stamp { dev: stat[0], ino: stat[1], size: stat[6], mtime_ns: ns(11), ctime_ns: ns(13), mode, nlink }
}

fn stamped(fill: impl FnOnce(usize) -> isize) -> Result<Stamp, isize> {
    let mut stat = MaybeUninit::<Stat>::uninit();
    let result = fill(stat.as_mut_ptr() as usize);
    if result < 0 {
        return Err(result);
    }
    // SAFETY: the kernel has filled it in; every value is valid. On 64-bit Arm it is shorter, and the end is not read.
    Ok(stamp_of(unsafe { stat.assume_init_ref() }))
}

/// fstat(2).
pub(crate) fn stat_fd(fd: i32) -> Result<Stamp, isize> {
    stamped(|stat| call(Sysno::fstat, [fd as usize, stat, 0, 0, 0, 0]))
}

/// stat(2) of a path of the program's or of ours, NUL-terminated.
pub(crate) fn stat_at(dir: i32, path: *const u8) -> Result<Stamp, isize> {
    stamped(|stat| call(NEWFSTATAT, [dir as usize, path as usize, stat, 0, 0, 0]))
}

/// lstat(2), likewise.
pub(crate) fn lstat_at(dir: i32, path: *const u8) -> Result<Stamp, isize> {
    stamped(|stat| call(NEWFSTATAT, [dir as usize, path as usize, stat, AT_SYMLINK_NOFOLLOW, 0, 0]))
}

/// What an empty path with AT_EMPTY_PATH names.
pub(crate) fn stat_empty(dir: i32) -> Result<Stamp, isize> {
    stamped(|stat| call(NEWFSTATAT, [dir as usize, c"".as_ptr() as usize, stat, AT_EMPTY_PATH, 0, 0]))
}

/// Returns whether the root directory is the root of a mount, as it is but below chroot(2); so it is said to be where the kernel does not
/// tell, before Linux 5.8.
pub(crate) fn is_root_mounted() -> bool {
    /// `struct statx` and places in it, in 8-byte words (include/uapi/linux/stat.h).
    type Statx = [u64; 32];
    const ATTRIBUTES: usize = 1;
    const ATTRIBUTES_MASK: usize = 7;
    const ATTR_MOUNT_ROOT: u64 = 0x2000;
    let mut found: Statx = [0; 32];
    let at = AT_FDCWD as usize;
    if call(Sysno::statx, [at, c"/".as_ptr() as usize, 0, 0, found.as_mut_ptr() as usize, 0]) < 0 {
        return true;
    }
    found[ATTRIBUTES_MASK] & ATTR_MOUNT_ROOT == 0 || found[ATTRIBUTES] & ATTR_MOUNT_ROOT != 0
}

/// `struct open_how` (include/uapi/linux/openat2.h).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// openat(2), but through no symbolic link.
pub(crate) fn open_straight(dir: i32, path: *const u8, flags: usize, mode: usize) -> isize {
    if valgrind::is_here() {
        return errno::ENOSYS;
    }
    let how = OpenHow { flags: flags as u64, mode: mode as u64 & MODE_BITS, resolve: RESOLVE_NO_SYMLINKS };
    let how = &raw const how;
    call(Sysno::openat2, [dir as usize, path as usize, how as usize, size_of::<OpenHow>(), 0, 0])
}

/// openat(2).
pub(crate) fn open_at(dir: i32, path: *const u8, flags: usize) -> isize {
    call(Sysno::openat, [dir as usize, path as usize, flags, 0, 0, 0])
}

/// execve(2) or execveat(2) as the program has asked for it. Returns only an error.
pub(crate) fn execute(number: Sysno, args: [usize; 6]) -> isize {
    call(number, args)
}

/// close(2) of a descriptor of ours.
pub(crate) fn close(fd: i32) {
    call(Sysno::close, [fd as usize, 0, 0, 0, 0, 0]);
}

/// How links of descriptors begin.
const LINK_START: &[u8] = b"/proc/thread-self/fd/";

/// `/proc/thread-self/fd/N`, NUL-terminated: what the thread has open, whoever leads the process.
pub(crate) struct Link([u8; 40]);

impl Link {
    /// Returns the link of a descriptor.
    pub(crate) fn new(fd: i32) -> Self {
        let mut link = [0; 40];
        let number = Decimal::new(fd.unsigned_abs());
        for (to, from) in link.iter_mut().zip(LINK_START.iter().chain(number.bytes())) {
            *to = *from;
        }
        Self(link)
    }

    /// Returns where it is.
    pub(crate) fn pointer(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

const EXECUTABLE: *const u8 = c"/proc/self/exe".as_ptr().cast();

/// readlink(2): the length, at most `room`.
pub(crate) fn read_link(path: *const u8, into: *mut u8, room: usize) -> isize {
    call(Sysno::readlinkat, [AT_FDCWD as usize, path as usize, into as usize, room, 0, 0])
}

/// Asks what the kernel calls an open file, a path or something like `pipe:[7]`: the length, at most `room`.
pub(crate) fn name_of(fd: i32, into: *mut u8, room: usize) -> isize {
    read_link(Link::new(fd).pointer(), into, room)
}

/// Asks for the path of the program: the length, at most `room`.
pub(crate) fn executable(into: *mut u8, room: usize) -> isize {
    read_link(EXECUTABLE, into, room)
}

/// stat(2) of the program.
pub(crate) fn stat_executable() -> Result<Stamp, isize> {
    if !valgrind::is_here() {
        return stat_at(AT_FDCWD, EXECUTABLE);
    }
    // Its own version of the link is for opening and reading alone.
    let fd = open_at(AT_FDCWD, EXECUTABLE, O_CLOEXEC) as i32;
    let stamp = stat_fd(fd);
    if fd >= 0 {
        close(fd);
    }
    stamp
}

/// getcwd(2) into memory of ours: the length with the NUL.
pub(crate) fn working_directory(into: *mut u8, room: usize) -> isize {
    call(Sysno::getcwd, [into as usize, room, 0, 0, 0, 0])
}

/// getpid(2).
pub(crate) fn pid() -> u32 {
    call(Sysno::getpid, [0; 6]) as u32
}

/// getppid(2).
pub(crate) fn parent() -> u32 {
    call(Sysno::getppid, [0; 6]) as u32
}

/// read(2) into memory of ours.
pub(crate) fn read(fd: i32, into: &mut [u8]) -> isize {
    call(Sysno::read, [fd as usize, into.as_mut_ptr() as usize, into.len(), 0, 0, 0])
}

/// Copies memory of the program that may not be there.
pub(crate) fn peek(address: usize, into: &mut [u8]) -> usize {
    let local = [into.as_mut_ptr() as usize, into.len()];
    let remote = [address, into.len()];
    let (local, remote) = ((&raw const local) as usize, (&raw const remote) as usize);
    let got = call(Sysno::process_vm_readv, [pid() as usize, local, 1, remote, 1, 0]);
    usize::try_from(got).unwrap_or(0)
}

const PROT_READ_WRITE: usize = 3;
const PROT_READ_EXEC: usize = 5;
const MAP_SHARED: usize = 1;
const MAP_PRIVATE_FIXED: usize = 0x12;
const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
const MREMAP_MAYMOVE: usize = 1;
/// madvise(2), from Linux 5.14 on: makes memory, and fails where a store would raise SIGBUS.
const MADV_POPULATE_WRITE: usize = 23;

fn mapped(result: isize) -> Option<*mut u8> {
    (!(-4095..0).contains(&result)).then_some(result as *mut u8)
}

/// Maps a file, shared, from its start.
pub(crate) fn map_file(fd: i32, len: usize) -> Option<*mut u8> {
    mapped(call(Sysno::mmap, [0, len, PROT_READ_WRITE, MAP_SHARED, fd as usize, 0]))
}

/// Maps part of a file as code, in the place of what is there.
pub(crate) fn map_code(fd: i32, start: usize, len: usize, offset: usize) -> bool {
    mapped(call(Sysno::mmap, [start, len, PROT_READ_EXEC, MAP_PRIVATE_FIXED, fd as usize, offset])).is_some()
}

/// Maps memory.
pub(crate) fn map_memory(len: usize) -> Option<*mut u8> {
    mapped(call(Sysno::mmap, [0, len, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, usize::MAX, 0]))
}

/// munmap(2).
pub(crate) fn unmap(address: *mut u8, len: usize) {
    call(Sysno::munmap, [address as usize, len, 0, 0, 0, 0]);
}

/// Maps `len` bytes from `start` on of a file of which a part is mapped, shared: an address, and where in the file that is, not behind `start`.
/// No descriptor and no path is needed: a sandbox or another root is no obstacle. So the path goes unused.
pub(crate) fn map_more(
    (near, near_start): (*mut u8, usize),
    _path: *const u8,
    start: usize,
    len: usize,
) -> Option<*mut u8> {
    let skipped = start - near_start;
    // An old size of 0 maps once more (mremap(2)), from there on.
    let whole = mapped(call(Sysno::mremap, [near as usize, 0, skipped + len, MREMAP_MAYMOVE, 0, 0]))?;
    if skipped != 0 {
        unmap(whole, skipped);
    }
    Some(whole.wrapping_add(skipped))
}

/// Makes memory behind a mapping.
pub(crate) fn populate(address: *mut u8, len: usize) -> Result<(), isize> {
    match call(Sysno::madvise, [address as usize, len, MADV_POPULATE_WRITE, 0, 0, 0]) {
        0 => Ok(()),
        error => Err(error),
    }
}

/// fallocate(2) of a file that is to be as long as it is.
pub(crate) fn allocate(fd: i32, start: usize, len: usize) -> isize {
    const KEEP_SIZE: usize = 1;
    call(Sysno::fallocate, [fd as usize, KEEP_SIZE, start, len, 0, 0])
}

/// Makes code writable and not executable, or the reverse.
pub(crate) fn protect_code(start: usize, len: usize, is_writable: bool) -> bool {
    let protection = if is_writable { PROT_READ_WRITE } else { PROT_READ_EXEC };
    call(Sysno::mprotect, [start, len, protection, 0, 0, 0]) == 0
}

/// Maps memory at that very address, if there is nothing.
pub(crate) fn map_memory_at(start: usize, len: usize) -> bool {
    const MAP_FIXED_NOREPLACE: usize = 0x10_0000;
    let flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE;
    let place = mapped(call(Sysno::mmap, [start, len, PROT_READ_WRITE, flags, usize::MAX, 0]));
    match place {
        Some(place) if place as usize == start => true,
        // Before Linux 4.17 the address is a wish.
        Some(place) => {
            unmap(place, len);
            false
        }
        None => false,
    }
}

/// Returns the time since some moment, nanoseconds (CLOCK_MONOTONIC).
pub(crate) fn now_ns() -> i64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = [0_i64; 2];
    call(Sysno::clock_gettime, [CLOCK_MONOTONIC, (&raw mut time) as usize, 0, 0, 0, 0]);
    time[0] * 1_000_000_000 + time[1]
}

/// futex(2), shared between processes: sleeps while the word is `seen`, at most so long.
pub(crate) fn wait(word: &AtomicU32, seen: u32, ns: i64) {
    const FUTEX_WAIT: usize = 0;
    let time = [ns / 1_000_000_000, ns % 1_000_000_000];
    call(Sysno::futex, [word.as_ptr() as usize, FUTEX_WAIT, seen as usize, (&raw const time) as usize, 0, 0]);
}

/// futex(2): wakes who sleeps.
pub(crate) fn wake(word: &AtomicU32) {
    const FUTEX_WAKE: usize = 1;
    call(Sysno::futex, [word.as_ptr() as usize, FUTEX_WAKE, i32::MAX as usize, 0, 0, 0]);
}
