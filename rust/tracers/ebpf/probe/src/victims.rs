//! Files that lose their name to a call while the kernel had no entry of it in memory when the call began: told by the file system, once it
//! has found them.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::{CUT, Kind};

use crate::events::{as_number, begin, emit, fill_inode, scratch};
use crate::is_member;
use crate::kernel::{OFFSETS, S_IFLNK, S_IFMT, S_IFREG, field, offset};
use crate::names::{WAITING, open};
use crate::paths;

/// A name is about to be removed.
#[btf_tracepoint(function = "ext4_unlink_enter")]
pub fn unlinked(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        lost_name(id, as_number(ctx.arg(1)));
    }
    0
}

/// Tells of the file that loses a name.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn lost_name(id: u64, entry: u64) -> u32 {
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr_mut(&thread) else { return 0 };
    // SAFETY: an entry of the map; this thread's alone.
    let asked = unsafe { &mut *asked };
    let Some(scratch) = scratch() else { return 0 };
    if asked.pointers[1] != 0 || asked.open & (open::FIRST | open::COLD) == 0 {
        return 0;
    }
    begin(scratch, id, Kind::Before as u16, -1);
    scratch.head.value = asked.number;
    scratch.head.value2 = asked.extra;
    let mount = asked.mount;
    asked.open = 0;
    fill_inode(field(entry, offset!(dentry_inode)));
    paths::walk(entry, mount);
    // Of another file system than the path has led to: of one that is a layer of that.
    if field::<u64>(mount, offset!(vfsmnt_sb)) != field::<u64>(entry, offset!(dentry_sb)) {
        scratch.head.flags |= CUT;
    }
    emit()
}

/// Something of an inode has changed: of the one that a rename takes the place of, the number of its names.
#[btf_tracepoint(function = "ext4_mark_inode_dirty")]
pub fn dirtied(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        replaced_name(id, as_number(ctx.arg(0)));
    }
    0
}

/// Tells of an inode that changes in a rename.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn replaced_name(id: u64, inode: u64) -> u32 {
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr(&thread) else { return 0 };
    // SAFETY: an entry of the map; this thread's alone.
    let asked = unsafe { &*asked };
    let kind = u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT;
    if asked.pointers[1] == 0
        || asked.open & (open::SECOND | open::COLD) == 0
        || (kind != S_IFREG && kind != S_IFLNK)
    {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Victim as u16, -1);
    scratch.head.value = asked.number;
    fill_inode(inode);
    emit()
}
