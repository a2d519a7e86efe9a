//! Files that lose their name to a call while the kernel had no entry of it in memory when the call began: told by the file system, once it
//! has found them.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::{Kind, victim};

use crate::alone::Alone;
use crate::events::{as_number, begin, emit, fill_inode, scratch};
use crate::kernel::{self, S_IFLNK, S_IFMT, S_IFREG, field, offset};
use crate::names::{COLD_REQUESTS, Place, WAITING, open};
use crate::{is_member, rows_of_kind};

/// A name is about to be removed.
#[btf_tracepoint(function = "ext4_unlink_enter")]
pub fn unlinked(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let _alone = Alone::begin();
        let entry: u64 = as_number(ctx.arg(1));
        lost_name(id, field(entry, offset!(dentry_inode)), entry, REMOVED);
    }
    0
}

/// A name is about to be removed, on whatever file system. For kernels that let programs see their functions.
#[btf_tracepoint(function = "security_inode_unlink")]
pub fn name_unlinked(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let _alone = Alone::begin();
        let entry: u64 = as_number(ctx.arg(1));
        lost_name(id, field(entry, offset!(dentry_inode)), entry, REMOVED);
    }
    0
}

/// A file is about to get a new name, which may be another one's.
#[btf_tracepoint(function = "security_inode_rename")]
pub fn name_replaced(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let _alone = Alone::begin();
        let entry: u64 = as_number(ctx.arg(3));
        lost_name(id, field(entry, offset!(dentry_inode)), entry, REPLACED);
    }
    0
}

/// Something of an inode has changed: of the one that a rename takes the place of, the number of its names.
#[btf_tracepoint(function = "ext4_mark_inode_dirty")]
pub fn dirtied(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let _alone = Alone::begin();
        lost_name(id, as_number(ctx.arg(0)), 0, CHANGED);
    }
    0
}

/// What becomes of a file: its name is about to be removed, or about to be another one's, or something of it has been changed.
const REMOVED: u32 = 0;
const REPLACED: u32 = 1;
const CHANGED: u32 = 2;

/// PF_IO_WORKER (include/linux/sched.h): a thread that the kernel has for the requests of io_urings, where all on names are done.
const IO_WORKER: u32 = 0x10;

/// Tells of a file that a call on names changes, if it is not known which it is. `entry`: that of the name; 0 for one that the file has.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn lost_name(id: u64, inode: u64, entry: u64, how: u32) -> u32 {
    if inode == 0 {
        return 0;
    }
    let is_renamed = how != REMOVED;
    let thread = id as u32;
    let mut request = 0;
    let is_wanted = match WAITING.get_ptr(&thread) {
        // SAFETY: an entry of the map; this thread's alone.
        Some(asked) => unsafe {
            let bits = if is_renamed { open::SECOND } else { open::FIRST };
            (*asked).open & (bits | open::COLD) != 0 && ((*asked).pointers[1] != 0) == is_renamed
        },
        None if field::<u32>(kernel::current(), offset!(task_flags)) & IO_WORKER != 0 => {
            request = request_on(inode, entry);
            request != 0
        }
        // Nobody has seen calls of 32-bit programs begin.
        None => rows_of_kind() != 0 && (how != CHANGED || field::<u32>(inode, offset!(inode_nlink)) == 0),
    };
    let kind = u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT;
    if !is_wanted || (how == CHANGED && kind != S_IFREG && kind != S_IFLNK) {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Victim as u16, -1);
    // Of a request it is certain: it was looked for by its name.
    scratch.head.value = if how != CHANGED || request != 0 { victim::CERTAIN } else { 0 }
        | if how == CHANGED { victim::CHANGED } else { 0 };
    scratch.head.memory = request;
    fill_inode(inode);
    emit()
}

/// Returns the request of an io_uring that is about a name and did not find it in memory, or 0.
#[inline(always)]
fn request_on(inode: u64, entry: u64) -> u64 {
    let entry = if entry == 0 {
        // The name by which it was found last.
        let node: u64 = field(inode, offset!(inode_entries));
        if node == 0 {
            return 0;
        }
        node - offset!(dentry_alias) as u64
    } else {
        entry
    };
    let place = Place {
        parent: field(entry, offset!(dentry_parent)),
        hash_len: field(entry, offset!(dentry_hash_len)),
    };
    // SAFETY: a number, which is copied.
    COLD_REQUESTS.get_ptr(&place).map_or(0, |request| unsafe { *request })
}
