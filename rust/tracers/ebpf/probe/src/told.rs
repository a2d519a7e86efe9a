//! Names that a call removes or changes, as the kernel has found them itself: told at the beginning of its own functions, where it lets
//! programs be attached to those. Nothing is looked at when calls begin then.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::bpf_get_current_task_btf;
use aya_ebpf::helpers::generated::bpf_task_pt_regs;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::{ABSENT, CALLS, Kind, act};

use crate::alone::Alone;
use crate::events::{as_number, begin, emit, fill_inode, scratch};
use crate::kernel::{field, offset};
use crate::{BEFORE, is_member, paths, regs, row, rows_of_kind};

/// In place of the place of a call in the tables: it is none that removes or changes names.
const NO_CALL: u32 = u32::MAX;

/// Returns the place in the tables of the call that the current task is in. What threads of the kernel and io_urings do is none.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn call_under_way() -> u32 {
    // SAFETY: the verifier knows the types of what the helpers take and return.
    let number = unsafe {
        let regs = bpf_task_pt_regs(bpf_get_current_task_btf()) as *const u8;
        regs.add(regs::NUMBER).cast::<u64>().read_volatile()
    };
    let rows = rows_of_kind();
    if number >= CALLS as u64 || row(&raw const BEFORE, number, rows).act == act::NOTHING {
        return NO_CALL;
    }
    (number as usize + rows) as u32
}

/// A name is about to be removed: of an entry of the directory that a `struct path` says.
#[btf_tracepoint(function = "security_path_unlink")]
pub fn path_unlink(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let call = call_under_way();
    if call != NO_CALL {
        let (dir, entry) = (as_number(ctx.arg(0)), as_number(ctx.arg(1)));
        tell_entry(id, Kind::Before as u32, call, dir, entry);
    }
    0
}

/// A name is about to be changed to another.
#[btf_tracepoint(function = "security_path_rename")]
pub fn path_rename(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let call = call_under_way();
    if call != NO_CALL {
        let (dir, entry) = (as_number(ctx.arg(0)), as_number(ctx.arg(1)));
        tell_entry(id, Kind::Before as u32, call, dir, entry);
        let (dir, entry) = (as_number(ctx.arg(2)), as_number(ctx.arg(3)));
        tell_entry(id, Kind::BeforeSecond as u32, call, dir, entry);
    }
    0
}

/// Tells of an entry of a directory.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn tell_entry(id: u64, kind: u32, call: u32, dir: u64, entry: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, -1);
    scratch.head.value = u64::from(call);
    let inode: u64 = field(entry, offset!(dentry_inode));
    if inode == 0 {
        scratch.head.flags |= ABSENT;
        let sb: u64 = field(entry, offset!(dentry_sb));
        scratch.head.magic = field(sb, offset!(sb_magic));
    } else {
        fill_inode(inode);
    }
    paths::walk(entry, field(dir, offset!(path_mnt)));
    emit()
}

/// Tells how a call that changes names has ended, whose names were told of already.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn end_call(id: u64, call: u64, extra: u64, has_failed: u32) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    let kind = if has_failed == 0 { Kind::After } else { Kind::Failed };
    begin(scratch, id, kind as u16, -1);
    scratch.head.value = call;
    scratch.head.value2 = extra;
    scratch.head.flags = tracer_ebpf_abi::UNKNOWN;
    emit()
}
