//! The system calls of the tracer itself, each as a function with types.
//!
//! # Safety
//!
//! Every pointer given to the kernel is to memory of this process that lives through the call and is as large as the
//! call says; what the kernel fills in is valid for any bytes.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long, c_void, pid_t};
use tracer_schema::FileStamp;

/// A thread as the kernel names it: a thread id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Tid(pub(crate) pid_t);

impl Tid {
    /// Returns the id as events have it.
    pub(crate) fn as_pid(self) -> u32 {
        self.0 as u32
    }
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn ptrace(request: libc::c_uint, tid: Tid, address: usize, data: usize) -> io::Result<c_long> {
    // SAFETY: see the module; requests that write through `data` get a pointer from their caller below.
    check(unsafe { libc::ptrace(request, tid.0, address as *mut c_void, data as *mut c_void) })
}

/// PTRACE_SEIZE.
pub(crate) fn seize(tid: Tid, options: c_int) -> io::Result<()> {
    ptrace(libc::PTRACE_SEIZE, tid, 0, options as usize).map(drop)
}

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// To the next stop of any other kind (PTRACE_CONT).
    Freely,
    /// To the next entry to or exit from a system call (PTRACE_SYSCALL).
    ToSyscall,
    /// Not at all until SIGCONT: it takes part in a group stop (PTRACE_LISTEN).
    Listening,
}

/// Lets a stopped thread go on, with a signal or 0.
pub(crate) fn resume(tid: Tid, how: Resume, signal: c_int) -> io::Result<()> {
    let request = match how {
        Resume::Freely => libc::PTRACE_CONT,
        Resume::ToSyscall => libc::PTRACE_SYSCALL,
        Resume::Listening => libc::PTRACE_LISTEN,
    };
    ptrace(request, tid, 0, signal as usize).map(drop)
}

/// PTRACE_GETEVENTMSG.
pub(crate) fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    ptrace(libc::PTRACE_GETEVENTMSG, tid, 0, (&raw mut message).addr())?;
    Ok(message)
}

/// Where a thread is stopped with respect to a system call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallStop {
    /// Before it.
    Entry {
        /// `AUDIT_ARCH_*`.
        audit: u32,
        /// Its number.
        number: u64,
        /// Its arguments.
        args: [u64; 6],
        /// The 16 bits of the seccomp filter, at a stop by the filter.
        filter_data: Option<u16>,
    },
    /// After it: what it returned, negative for an error.
    Exit(i64),
    /// Neither.
    None,
}

/// struct ptrace_syscall_info (include/uapi/linux/ptrace.h).
#[repr(C)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    /// entry: number, six arguments; seccomp: the same and the filter's data; exit: result, is_error.
    words: [u64; 8],
}

const PTRACE_GET_SYSCALL_INFO: libc::c_uint = 0x420e;

/// Asks what system call a stopped thread is at (PTRACE_GET_SYSCALL_INFO, Linux 5.3).
pub(crate) fn call_stop(tid: Tid) -> io::Result<CallStop> {
    let mut info = MaybeUninit::<SyscallInfo>::zeroed();
    ptrace(PTRACE_GET_SYSCALL_INFO, tid, size_of::<SyscallInfo>(), info.as_mut_ptr().addr())?;
    // SAFETY: zeroed before, and any bytes are a valid SyscallInfo.
    let info = unsafe { info.assume_init() };
    let mut args = [0; 6];
    args.copy_from_slice(&info.words[1..7]);
    let entry = |filter_data| CallStop::Entry { audit: info.arch, number: info.words[0], args, filter_data };
    Ok(match info.op {
        1 => entry(None),
        2 => CallStop::Exit(info.words[0] as i64),
        3 => entry(Some(info.words[7] as u16)),
        _ => CallStop::None,
    })
}

/// The general registers, where PTRACE_GET_SYSCALL_INFO is missing.
pub(crate) mod registers {
    #[cfg(target_arch = "x86_64")]
    use super::read_memory;
    use super::{CallStop, Tid, io, ptrace};
    use tracer_syscalls::Arch;

    const NT_PRSTATUS: usize = 1;

    /// Returns whether the call was made by `int $0x80`, which makes it a 32-bit one in 64-bit code as well: the
    /// registers alone do not tell.
    #[cfg(target_arch = "x86_64")]
    fn is_int_80(tid: Tid, next_instruction: u64) -> bool {
        let mut instruction = [0; 2];
        let read = read_memory(tid, next_instruction.wrapping_sub(2), &mut instruction);
        read.is_ok() && instruction == [0xcd, 0x80]
    }

    #[cfg(target_arch = "x86_64")]
    fn entry_of(tid: Tid, registers: &libc::user_regs_struct) -> CallStop {
        // The code segment of 32-bit user code (arch/x86/include/asm/segment.h).
        const USER32_CS: u64 = 0x23;
        let r = registers;
        if r.cs == USER32_CS || is_int_80(tid, r.rip) {
            let args = [r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp].map(|arg| arg & 0xffff_ffff);
            return CallStop::Entry { audit: 0x4000_0003, number: r.orig_rax, args, filter_data: None };
        }
        let args = [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9];
        CallStop::Entry { audit: 0xc000_003e, number: r.orig_rax, args, filter_data: None }
    }

    #[cfg(target_arch = "x86_64")]
    fn result_of(registers: &libc::user_regs_struct) -> i64 {
        registers.rax as i64
    }

    #[cfg(target_arch = "aarch64")]
    fn entry_of(_tid: Tid, registers: &libc::user_regs_struct) -> CallStop {
        let mut args = [0; 6];
        args.copy_from_slice(&registers.regs[..6]);
        CallStop::Entry { audit: 0xc000_00b7, number: registers.regs[8], args, filter_data: None }
    }

    #[cfg(target_arch = "aarch64")]
    fn result_of(registers: &libc::user_regs_struct) -> i64 {
        registers.regs[0] as i64
    }

    fn get(tid: Tid) -> io::Result<libc::user_regs_struct> {
        // SAFETY: all zero is a valid set of registers.
        let mut found: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        transfer(libc::PTRACE_GETREGSET, tid, &mut found)?;
        Ok(found)
    }

    fn transfer(request: libc::c_uint, tid: Tid, registers: &mut libc::user_regs_struct) -> io::Result<()> {
        let mut place = libc::iovec {
            iov_base: (&raw mut *registers).cast(),
            iov_len: size_of::<libc::user_regs_struct>(),
        };
        ptrace(request, tid, NT_PRSTATUS, (&raw mut place).addr()).map(drop)
    }

    /// Sets the first argument of the call that a thread is about to make.
    pub(crate) fn set_first_argument(tid: Tid, arch: Arch, value: u64) -> io::Result<()> {
        let mut registers = get(tid)?;
        match arch {
            #[cfg(target_arch = "x86_64")]
            Arch::X86_64 | Arch::X32 => registers.rdi = value,
            #[cfg(target_arch = "x86_64")]
            Arch::X86 => registers.rbx = value,
            #[cfg(target_arch = "aarch64")]
            Arch::Aarch64 => registers.regs[0] = value,
            #[cfg(target_arch = "x86_64")]
            Arch::Aarch64 => {}
            #[cfg(target_arch = "aarch64")]
            Arch::X86_64 | Arch::X32 | Arch::X86 => {}
        }
        transfer(libc::PTRACE_SETREGSET, tid, &mut registers)
    }

    /// As [`call_stop`](super::call_stop), told by the caller which side of the call the thread is on.
    pub(crate) fn call_stop(tid: Tid, is_exit: bool) -> io::Result<CallStop> {
        let found = get(tid)?;
        Ok(if is_exit { CallStop::Exit(result_of(&found)) } else { entry_of(tid, &found) })
    }
}

/// Waits for any tracee; `Ok(None)` when there is none left.
///
/// # Errors
/// `EINTR` when a signal came.
pub(crate) fn wait_any() -> io::Result<Option<(Tid, c_int)>> {
    let mut status = 0;
    // SAFETY: `status` is a valid place.
    match unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) } {
        -1 => {
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::ECHILD) { Ok(None) } else { Err(error) }
        }
        tid => Ok(Some((Tid(tid), status))),
    }
}

/// Copies memory of a thread, as much as can be read, from `address` on.
pub(crate) fn read_memory(tid: Tid, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: into.len() };
    // SAFETY: `local` describes `into`; the remote side is checked by the kernel.
    let read = unsafe { libc::process_vm_readv(tid.0, &raw const local, 1, &raw const remote, 1, 0) };
    check(read as c_long).map(|read| read as usize)
}

/// Writes memory of a stopped thread.
pub(crate) fn write_memory(tid: Tid, address: u64, bytes: &[u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: bytes.len() };
    // SAFETY: `local` describes `bytes`, which are only read; the remote side is checked by the kernel.
    let written = unsafe { libc::process_vm_writev(tid.0, &raw const local, 1, &raw const remote, 1, 0) };
    let written = check(written as c_long)? as usize;
    if written == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

/// Smallest page of any architecture here; a read that stays in one never fails half-way.
const PAGE_BYTES: u64 = 4096;

/// Copies a NUL-terminated string of a thread, without the NUL, up to `max` bytes.
///
/// # Errors
/// `EFAULT`; `ENAMETOOLONG` when there is no NUL.
pub(crate) fn read_string(tid: Tid, address: u64, max: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut at = address;
    // Most paths are short: the first read is too, if the page has room for no more.
    let mut chunk = [0; 512];
    while text.len() < max {
        let to_page_end = PAGE_BYTES - at % PAGE_BYTES;
        let want = chunk.len().min(to_page_end as usize);
        let read = read_memory(tid, at, &mut chunk[..want])?;
        let part = &chunk[..read];
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&part[..end]);
            return Ok(text);
        }
        text.extend_from_slice(part);
        at += read as u64;
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// readlinkat(2) into a buffer; returns the target.
pub(crate) fn read_link<'b>(dir: RawFd, path: &CStr, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    // SAFETY: a NUL-terminated path, and a buffer with its length.
    let len = unsafe { libc::readlinkat(dir, path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let len = check(len as c_long)? as usize;
    if len == buffer.len() {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    Ok(&buffer[..len])
}

/// fstatat(2).
pub(crate) fn stat_at(dir: RawFd, path: &CStr, flags: c_int) -> io::Result<FileStamp> {
    let mut found = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a NUL-terminated path, and a place for the result.
    check(unsafe { libc::fstatat(dir, path.as_ptr(), found.as_mut_ptr(), flags) }.into())?;
    // SAFETY: fstatat has filled it in.
    let found = unsafe { found.assume_init() };
    Ok(FileStamp {
        dev: found.st_dev,
        ino: found.st_ino,
        size: found.st_size as u64,
        mtime_ns: found.st_mtime * 1_000_000_000 + found.st_mtime_nsec,
        ctime_ns: found.st_ctime * 1_000_000_000 + found.st_ctime_nsec,
        mode: found.st_mode,
        nlink: found.st_nlink as u32,
    })
}

/// fstat(2).
pub(crate) fn stat_fd(fd: &OwnedFd) -> io::Result<FileStamp> {
    stat_at(fd.as_raw_fd(), c"", libc::AT_EMPTY_PATH)
}

/// openat(2), close-on-exec.
pub(crate) fn open_at(dir: RawFd, path: &CStr, flags: c_int) -> io::Result<OwnedFd> {
    // SAFETY: a NUL-terminated path.
    let fd = check(unsafe { libc::openat(dir, path.as_ptr(), flags | libc::O_CLOEXEC) }.into())?;
    // SAFETY: the kernel has just given us the descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// openat2(2): not into another mount.
pub(crate) const RESOLVE_NO_XDEV: u64 = 0x01;
/// openat2(2): not through the links of /proc that are no paths.
pub(crate) const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
/// openat2(2), close-on-exec.
pub(crate) fn open_resolving(dir: RawFd, path: &CStr, flags: c_int, resolve: u64) -> io::Result<OwnedFd> {
    let how = [(flags | libc::O_CLOEXEC) as u64, 0, resolve];
    // SAFETY: `how` is struct open_how: three 64-bit words.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_openat2, dir, path.as_ptr(), how.as_ptr(), size_of_val(&how))
    })?;
    // SAFETY: the kernel has just given us the descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// The type of the file system that a file is on (`f_type` of statfs(2)).
pub(crate) fn file_system_type(path: &CStr) -> io::Result<i64> {
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: a NUL-terminated path, and a place for the result.
    check(unsafe { libc::statfs(path.as_ptr(), found.as_mut_ptr()) }.into())?;
    // SAFETY: statfs has filled it in.
    let found = unsafe { found.assume_init() };
    Ok(found.f_type)
}
