//! Paths through /proc/PID, whose entries the kernel makes as they are asked for, and whose links lead to files without a path
//! (proc_pid_fd(5)). The process is the current one, or one of which the kernel has the entry in memory.

use tracer_ebpf_abi::GIVEN_BYTES;

use crate::events::scratch;
use crate::kernel::{self, field, file_in, offset};
use crate::names::{MORE, byte, child, cross_all, found};

/// What of a process a path has led to.
mod place {
    /// `/proc/PID`.
    pub(super) const PROCESS: u32 = 0;
    /// `/proc/PID/task`.
    pub(super) const THREADS: u32 = 1;
    /// `/proc/PID/fd`.
    pub(super) const DESCRIPTORS: u32 = 2;
}

/// The first 8 bytes of a name, in the order of this machine, zeros behind it.
#[inline(always)]
fn word(from: u32, len: u32) -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    let given = (&raw const scratch.given).cast::<u8>();
    // SAFETY: the mask keeps it within the array, which has room behind the path.
    let word = unsafe { given.add(from as usize & (GIVEN_BYTES - 1)).cast::<u64>().read_unaligned() };
    if len >= 8 { word } else { word & ((1 << (len * 8)) - 1) }
}

const fn name(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let mut at = 0;
    while at < text.len() {
        bytes[at] = text[at];
        at += 1;
    }
    u64::from_ne_bytes(bytes)
}

const SELF: u64 = name(b"self");
/// The beginning of `thread-self`, which has 11 bytes.
const THREAD: u64 = name(b"thread-s");
const TASK: u64 = name(b"task");
const FD: u64 = name(b"fd");
const CWD: u64 = name(b"cwd");
const ROOT: u64 = name(b"root");
const EXE: u64 = name(b"exe");
const ABOVE: u64 = name(b"..");
const SAME: u64 = name(b".");

/// Returns the number that a name is, or `u32::MAX`.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn number(from: u32, len: u32) -> u32 {
    let mut value = 0_u32;
    if len == 0 || len > 9 {
        return u32::MAX;
    }
    for at in 0..9 {
        if at >= len {
            break;
        }
        // SAFETY: masked.
        let digit = unsafe { byte(from + at) }.wrapping_sub(b'0');
        if digit > 9 {
            return u32::MAX;
        }
        value = value * 10 + u32::from(digit);
    }
    value
}

/// Goes from the root of a /proc to the process that a name says; returns 0 if it is none.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn proc_enter(from: u32, len: u32) -> u32 {
    /// PROC_SUPER_MAGIC.
    const MAGIC: u64 = 0x9fa0;
    let Some(scratch) = scratch() else { return 0 };
    let sb: u64 = field(scratch.dentry, offset!(dentry_sb));
    if field::<u64>(sb, offset!(sb_magic)) != MAGIC || field::<u64>(sb, offset!(sb_root)) != scratch.dentry {
        return 0;
    }
    let task = kernel::current();
    let word = word(from, len);
    let is_own = (word == SELF && len == 4) || (word == THREAD && len == 11);
    if !is_own {
        let number = number(from, len);
        let namespace: u64 = field(field::<u64>(sb, offset!(sb_info)), offset!(proc_namespace));
        let level: u32 = field(namespace, offset!(namespace_level));
        if number == u32::MAX {
            return 0;
        }
        let own = [kernel::process_of(task), field(task, offset!(task_thread_pid))];
        if kernel::number_of(own[0], level) != number && kernel::number_of(own[1], level) != number {
            scratch.task = other();
            scratch.place = place::PROCESS;
            return u32::from(scratch.task != 0);
        }
    }
    scratch.task = task;
    scratch.place = place::PROCESS;
    1
}

/// Returns the process of the directory of another one, or 0.
#[inline(always)]
fn other() -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    let inode: u64 = field(child(scratch.dentry, scratch.hash_len), offset!(dentry_inode));
    if inode == 0 {
        return 0;
    }
    let pid: u64 = field(inode - offset!(proc_inode) as u64, offset!(proc_pid));
    // The first task of PIDTYPE_PID.
    let link: u64 = field(pid, offset!(pid_tasks));
    if link == 0 { 0 } else { link - offset!(task_pid_links) as u64 }
}

/// Follows a name below the directory of a process.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn proc_step(from: u32, len: u32, is_last: u32) -> u32 {
    let Some(scratch) = scratch() else { return found::UNKNOWN };
    let (word, task) = (word(from, len), scratch.task);
    let place = scratch.place;
    if word == SAME && len == 1 && is_last == 0 {
        return MORE;
    }
    if word == ABOVE && len == 2 && is_last == 0 {
        if place == place::PROCESS {
            scratch.task = 0;
        }
        scratch.place = place::PROCESS;
        return MORE;
    }
    let (dentry, mount): (u64, u64) = match place {
        place::PROCESS => {
            let fs: u64 = field(task, offset!(task_fs));
            match word {
                FD | TASK if is_last == 0 => {
                    scratch.place = if word == FD { place::DESCRIPTORS } else { place::THREADS };
                    return MORE;
                }
                CWD => (field(fs, offset!(fs_pwd_dentry)), field(fs, offset!(fs_pwd_mnt))),
                ROOT => (field(fs, offset!(fs_root_dentry)), field(fs, offset!(fs_root_mnt))),
                EXE => {
                    let file: u64 = field(field::<u64>(task, offset!(task_mm)), offset!(mm_exe_file));
                    (field(file, offset!(file_dentry)), field(file, offset!(file_mnt)))
                }
                _ => return found::UNKNOWN,
            }
        }
        // Threads share their descriptors and directories, but for those that have said otherwise.
        place::THREADS => {
            scratch.place = place::PROCESS;
            return if is_last == 0 { MORE } else { found::UNKNOWN };
        }
        _ => {
            let file = file_in(field(task, offset!(task_files)), number(from, len));
            (field(file, offset!(file_dentry)), field(file, offset!(file_mnt)))
        }
    };
    // The links themselves are of no interest.
    if dentry == 0 || (is_last != 0 && scratch.follows == 0) {
        return found::UNKNOWN;
    }
    scratch.task = 0;
    scratch.dentry = dentry;
    scratch.mount = mount;
    if is_last != 0 {
        scratch.by_entry = 1;
        return found::FILE;
    }
    cross_all();
    MORE
}
