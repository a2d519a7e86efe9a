//! Files that lose their name to a call while the kernel had no entry of it in memory when the call began: told by the file system, once it
//! has found them.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::Kind;

use crate::events::{as_number, begin, emit, fill_inode, scratch};
use crate::kernel::{OFFSETS, S_IFLNK, S_IFMT, S_IFREG, field, offset};
use crate::names::{WAITING, open};
use crate::{is_member, rows_of_kind};

/// A name is about to be removed.
#[btf_tracepoint(function = "ext4_unlink_enter")]
pub fn unlinked(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let entry: u64 = ctx.arg(1);
        lost_name(id, field(entry, offset!(dentry_inode)), 0);
    }
    0
}

/// Something of an inode has changed: of the one that a rename takes the place of, the number of its names.
#[btf_tracepoint(function = "ext4_mark_inode_dirty")]
pub fn dirtied(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        lost_name(id, as_number(ctx.arg(0)), 1);
    }
    0
}

/// Tells of a file that a call on names is about to change (`is_changed` 0) or has changed (1), if it is not known which it is.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn lost_name(id: u64, inode: u64, is_changed: u32) -> u32 {
    let thread = id as u32;
    let is_wanted = match WAITING.get_ptr(&thread) {
        // SAFETY: an entry of the map; this thread's alone.
        Some(asked) => unsafe {
            let bits = if is_changed != 0 { open::SECOND } else { open::FIRST };
            (*asked).open & (bits | open::COLD) != 0 && ((*asked).pointers[1] != 0) == (is_changed != 0)
        },
        // Nobody has seen calls of 32-bit programs begin.
        None => rows_of_kind() != 0 && (is_changed == 0 || field::<u32>(inode, offset!(inode_nlink)) == 0),
    };
    let kind = u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT;
    if !is_wanted || (is_changed != 0 && kind != S_IFREG && kind != S_IFLNK) {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Victim as u16, -1);
    fill_inode(inode);
    emit()
}
