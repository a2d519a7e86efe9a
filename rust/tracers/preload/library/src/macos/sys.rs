//! What the library asks of macOS. System calls have no stable numbers there, so the functions of libSystem are called: dyld does not
//! interpose calls from the image that interposes. They are thin covers of the calls: none allocates or locks.
//!
//! They set `errno`; whoever comes here on behalf of the program puts it back ([`hooks`](crate::hooks)).
//!
//! # Safety
//!
//! Pointers are to memory of this library's own, or are the program's and go to the kernel alone, which checks them. The declarations are
//! those of Apple's headers.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use syscalls::Sysno;
use tracer_preload_journal::entry::Stamp;

/// "The working directory" in place of a descriptor.
pub(crate) const AT_FDCWD: i32 = -2;
const AT_SYMLINK_NOFOLLOW: c_int = 0x20;
/// The nearest thing: O_EVTONLY, which does not keep a volume from being unmounted. The file has to be readable.
pub(crate) const O_PATH: usize = 0x8000;
pub(crate) const O_CLOEXEC: usize = 0x100_0000;
pub(crate) const O_DIRECTORY: usize = 0x10_0000;

/// Longest path that the kernel takes or gives, with its NUL (MAXPATHLEN, sys/param.h). Calls that give one ask for no length.
pub(crate) const NAME_MAX: usize = 1024;

/// Error numbers that decide something here.
pub(crate) mod errno {
    pub(crate) use crate::errors::*;

    pub(crate) const EAGAIN: isize = -35;
    pub(crate) const ELOOP: isize = -62;
    pub(crate) const ENAMETOOLONG: isize = -63;
    pub(crate) const ENOSYS: isize = -78;
}

/// `struct stat` with 64-bit inode numbers (sys/stat.h).
#[repr(C)]
struct Stat {
    dev: u32,
    mode: u16,
    nlink: u16,
    ino: u64,
    owner: [u32; 4],
    access: [i64; 2],
    modification: [i64; 2],
    change: [i64; 2],
    birth: [i64; 2],
    size: u64,
    rest: [u64; 5],
}

const _: () = assert!(size_of::<Stat>() == 144);

#[expect(
    clashing_extern_declarations,
    reason = "those that are interposed are addresses there, whatever they take"
)]
unsafe extern "C" {
    #[cfg_attr(target_arch = "x86_64", link_name = "fstat$INODE64")]
    fn fstat(fd: c_int, stat: *mut Stat) -> c_int;
    #[cfg_attr(target_arch = "x86_64", link_name = "fstatat$INODE64")]
    fn fstatat(dir: c_int, path: *const u8, stat: *mut Stat, flags: c_int) -> c_int;
    fn openat(dir: c_int, path: *const u8, flags: c_int, ...) -> c_int;
    fn execve(path: usize, arguments: usize, environment: usize) -> c_int;
    #[link_name = "close"]
    fn close_descriptor(fd: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn mmap(address: *mut u8, len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut u8;
    fn munmap(address: *mut u8, len: usize) -> c_int;
    fn getpid() -> c_int;
    fn getppid() -> c_int;
    fn proc_pidpath(pid: c_int, path: *mut u8, room: u32) -> c_int;
    fn proc_pidinfo(pid: c_int, flavor: c_int, argument: u64, into: *mut u8, len: c_int) -> c_int;
    fn proc_regionfilename(pid: c_int, address: u64, path: *mut u8, room: u32) -> c_int;
    fn mach_vm_read_overwrite(task: u32, from: u64, len: u64, to: u64, got: *mut u64) -> c_int;
    /// The port of the process itself (mach/mach_init.h).
    static mach_task_self_: u32;
    fn __error() -> *mut c_int;
}

/// Returns `errno` of the thread.
pub(crate) fn error_number() -> i32 {
    // SAFETY: libSystem's function gives the address of the thread's own.
    let place = unsafe { __error() };
    // SAFETY: as above.
    unsafe { place.read() }
}

/// Sets `errno` of the thread.
pub(crate) fn set_error_number(number: i32) {
    // SAFETY: libSystem's function gives the address of the thread's own.
    let place = unsafe { __error() };
    // SAFETY: as above.
    unsafe { place.write(number) };
}

/// Returns a result as Linux's kernel would give it: an error as its negative number.
fn checked(result: c_int) -> isize {
    if result == -1 { -(error_number() as isize) } else { result as isize }
}

fn stamped(fill: impl FnOnce(*mut Stat) -> c_int) -> Result<Stamp, isize> {
    let mut stat = MaybeUninit::<Stat>::uninit();
    let result = checked(fill(stat.as_mut_ptr()));
    if result < 0 {
        return Err(result);
    }
    // SAFETY: the kernel has filled it in; every value is valid.
    let Stat { dev, mode, nlink, ino, modification, change, size, .. } = unsafe { stat.assume_init() };
    let ns = |[seconds, ns]: [i64; 2]| seconds.wrapping_mul(1_000_000_000).wrapping_add(ns);
    Ok(Stamp {
        dev: u64::from(dev),
        ino,
        size,
        mtime_ns: ns(modification),
        ctime_ns: ns(change),
        mode: u32::from(mode),
        nlink: u32::from(nlink),
    })
}

/// fstat(2).
pub(crate) fn stat_fd(fd: i32) -> Result<Stamp, isize> {
    // SAFETY: see the module.
    stamped(|stat| unsafe { fstat(fd, stat) })
}

/// stat(2) of a path of the program's or of ours, NUL-terminated.
pub(crate) fn stat_at(dir: i32, path: *const u8) -> Result<Stamp, isize> {
    // SAFETY: see the module.
    stamped(|stat| unsafe { fstatat(dir, path, stat, 0) })
}

/// lstat(2), likewise.
pub(crate) fn lstat_at(dir: i32, path: *const u8) -> Result<Stamp, isize> {
    // SAFETY: see the module.
    stamped(|stat| unsafe { fstatat(dir, path, stat, AT_SYMLINK_NOFOLLOW) })
}

/// What an empty path with AT_EMPTY_PATH would name, which macOS does not know.
pub(crate) fn stat_empty(dir: i32) -> Result<Stamp, isize> {
    stat_fd(dir)
}

/// An open through no symbolic link is never made: file systems take upper and lower case for the same, so that the words of a path are
/// not the file's name, and the kernel has to be asked in any case.
pub(crate) fn open_straight(_dir: i32, _path: *const u8, _flags: usize, _mode: usize) -> isize {
    errno::ENOSYS
}

/// openat(2).
pub(crate) fn open_at(dir: i32, path: *const u8, flags: usize) -> isize {
    // SAFETY: see the module.
    checked(unsafe { openat(dir, path, flags as c_int) })
}

/// execve(2) as the program has asked for it: macOS has no other that comes here. Returns only an error.
pub(crate) fn execute(_number: Sysno, [path, arguments, environment, ..]: [usize; 6]) -> isize {
    // SAFETY: see the module.
    checked(unsafe { execve(path, arguments, environment) })
}

/// close(2) of a descriptor of ours.
pub(crate) fn close(fd: i32) {
    // SAFETY: see the module.
    unsafe { close_descriptor(fd) };
}

/// Copies a path of ours, which ends at its NUL, and returns its length.
fn give(path: &[u8], into: *mut u8, room: usize) -> isize {
    let len = path.iter().position(|byte| *byte == 0).unwrap_or(path.len()).min(room);
    // SAFETY: the caller has that room.
    unsafe { core::ptr::copy_nonoverlapping(path.as_ptr(), into, len) };
    len as isize
}

/// Returns whether a file was opened for writing too, or that cannot be found out.
pub(crate) fn may_be_written(fd: i32) -> bool {
    const F_GETFL: c_int = 3;
    // O_ACCMODE, as in Linux.
    // SAFETY: it takes a number and gives one.
    let flags = checked(unsafe { fcntl(fd, F_GETFL) });
    flags < 0 || flags & 3 != 0
}

/// Asks what the kernel calls an open file: the length, at most `room`.
pub(crate) fn name_of(fd: i32, into: *mut u8, room: usize) -> isize {
    const F_GETPATH: c_int = 50;
    let mut path = [0; NAME_MAX];
    // SAFETY: there is the room that fcntl(2) asks for.
    let result = checked(unsafe { fcntl(fd, F_GETPATH, path.as_mut_ptr()) });
    if result < 0 { result } else { give(&path, into, room) }
}

/// Writes the path of the program, NUL-terminated; nothing where it is not to be had.
fn write_executable(path: &mut [u8; NAME_MAX]) {
    // SAFETY: there is that much room; a NUL stays at the end.
    unsafe { proc_pidpath(pid() as c_int, path.as_mut_ptr(), NAME_MAX as u32 - 1) };
}

/// Asks for the path of the program: the length, at most `room`.
pub(crate) fn executable(into: *mut u8, room: usize) -> isize {
    let mut path = [0; NAME_MAX];
    write_executable(&mut path);
    give(&path, into, room)
}

/// stat(2) of the program.
pub(crate) fn stat_executable() -> Result<Stamp, isize> {
    let mut path = [0; NAME_MAX];
    write_executable(&mut path);
    stat_at(AT_FDCWD, path.as_ptr())
}

/// Asks for the file that is mapped at an address: writes its path, NUL-terminated, and returns whether there is one.
pub(crate) fn mapped_file(address: usize, path: &mut [u8; NAME_MAX]) -> bool {
    let room = NAME_MAX as u32 - 1;
    // SAFETY: there is that much room; a NUL stays at the end.
    unsafe { proc_regionfilename(pid() as c_int, address as u64, path.as_mut_ptr(), room) > 0 }
}

/// The working directory, in memory of ours: the length with the NUL. getcwd(3) may allocate.
pub(crate) fn working_directory(into: *mut u8, room: usize) -> isize {
    // `struct proc_vnodepathinfo` is that of the working directory, then that of the root directory (sys/proc_info.h).
    const PROC_PIDVNODEPATHINFO: c_int = 9;
    // `struct vnode_info`, behind which the path stands.
    const VNODE_INFO_BYTES: usize = 152;
    const BYTES: usize = 2 * (VNODE_INFO_BYTES + NAME_MAX);
    let mut info = [0; BYTES];
    let (own, place) = (pid() as c_int, info.as_mut_ptr());
    // SAFETY: there is that much room.
    let got = unsafe { proc_pidinfo(own, PROC_PIDVNODEPATHINFO, 0, place, BYTES as c_int) };
    if got <= 0 {
        return -(error_number() as isize);
    }
    let path = info.get(VNODE_INFO_BYTES..VNODE_INFO_BYTES + NAME_MAX).unwrap_or(b"");
    let len = path.iter().position(|byte| *byte == 0).unwrap_or(0);
    if len == 0 {
        // It was removed.
        return errno::ENOENT;
    }
    if len >= room {
        return errno::ERANGE;
    }
    give(path, into, room) + 1
}

/// getpid(2).
pub(crate) fn pid() -> u32 {
    // SAFETY: it asks for nothing.
    unsafe { getpid() as u32 }
}

/// getppid(2).
pub(crate) fn parent() -> u32 {
    // SAFETY: it asks for nothing.
    unsafe { getppid() as u32 }
}

/// Copies memory of the program that may not be there.
pub(crate) fn peek(address: usize, into: &mut [u8]) -> usize {
    let mut got = 0;
    // SAFETY: set before any program's code runs, and not after.
    let task = unsafe { mach_task_self_ };
    let (len, to) = (into.len() as u64, into.as_mut_ptr() as u64);
    // SAFETY: the kernel writes at most `len` bytes there.
    let result = unsafe { mach_vm_read_overwrite(task, address as u64, len, to, &raw mut got) };
    if result == 0 { got as usize } else { 0 }
}

const PROT_READ_WRITE: c_int = 3;
const MAP_SHARED: c_int = 1;
const MAP_PRIVATE_ANONYMOUS: c_int = 0x1002;

fn map(len: usize, flags: c_int, fd: i32, offset: usize) -> Option<*mut u8> {
    // SAFETY: where there is room, which the kernel chooses.
    let address = unsafe { mmap(core::ptr::null_mut(), len, PROT_READ_WRITE, flags, fd, offset as i64) };
    (address as isize != -1).then_some(address)
}

/// Maps a file, shared, from its start.
pub(crate) fn map_file(fd: i32, len: usize) -> Option<*mut u8> {
    map(len, MAP_SHARED, fd, 0)
}

/// Maps memory.
pub(crate) fn map_memory(len: usize) -> Option<*mut u8> {
    map(len, MAP_PRIVATE_ANONYMOUS, -1, 0)
}

/// munmap(2).
pub(crate) fn unmap(address: *mut u8, len: usize) {
    // SAFETY: a mapping of ours, of which nobody knows any more.
    unsafe { munmap(address, len) };
}

/// Maps `len` bytes from `start` on of the file of that path, NUL-terminated. A mapping of it leads no further than its own end.
pub(crate) fn map_more(
    _near: (*mut u8, usize),
    path: *const u8,
    start: usize,
    len: usize,
) -> Option<*mut u8> {
    const O_RDWR: usize = 2;
    let fd = open_at(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if fd < 0 {
        return None;
    }
    let address = map(len, MAP_SHARED, fd as i32, start);
    close(fd as i32);
    address
}

/// Makes memory behind a mapping: there is no call for it, and whoever makes the journal has to see to it.
pub(crate) fn populate(_address: *mut u8, _len: usize) -> Result<(), isize> {
    Ok(())
}

/// fallocate(2), which is not asked for, since [`populate`] never fails.
pub(crate) fn allocate(_fd: i32, _start: usize, _len: usize) -> isize {
    errno::ENOSYS
}
