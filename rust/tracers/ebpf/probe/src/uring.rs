//! io_uring: requests are seen when they are submitted, as far as they are about paths, and when they are done.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::{Kind, NO_FIELD, RING};

use crate::alone::Alone;
use crate::events::as_number;
use crate::kernel::{field, has, offset};
use crate::names::{Asked, ask};
use crate::{SHARES, is_member, mark_of, names, renew, slots, unfollowed};

/// Operations of io_uring (include/uapi/linux/io_uring.h).
mod operation {
    pub(super) const READV: u8 = 1;
    pub(super) const WRITEV: u8 = 2;
    pub(super) const READ_FIXED: u8 = 4;
    pub(super) const WRITE_FIXED: u8 = 5;
    pub(super) const FALLOCATE: u8 = 17;
    pub(super) const OPENAT: u8 = 18;
    pub(super) const CLOSE: u8 = 19;
    pub(super) const READ: u8 = 22;
    pub(super) const WRITE: u8 = 23;
    pub(super) const OPENAT2: u8 = 28;
    pub(super) const SPLICE: u8 = 30;
    pub(super) const RENAMEAT: u8 = 35;
    pub(super) const UNLINKAT: u8 = 36;
    pub(super) const SYMLINKAT: u8 = 38;
    pub(super) const LINKAT: u8 = 39;
    pub(super) const READ_MULTISHOT: u8 = 49;
    pub(super) const FTRUNCATE: u8 = 55;
}

/// A request of an io_uring is done: in the process that made it, or in a thread that the kernel has for it there.
#[btf_tracepoint(function = "io_uring_complete")]
pub fn ring_complete(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let request: u64 = as_number(ctx.arg(1));
    if request == 0 {
        return 0;
    }
    let result: i32 = if has!(ring_result) {
        ctx.arg(3)
    } else {
        // struct io_uring_cqe: the result is behind the 8 bytes of the program's own.
        field(ctx.arg(2), 8)
    };
    if result < 0 {
        return 0;
    }
    let file: u64 = field(request, offset!(ring_file));
    let opcode: u8 = field(request, offset!(ring_opcode));
    match opcode {
        operation::READV | operation::READ_FIXED | operation::READ | operation::READ_MULTISHOT => {
            slots::by_file(id, Kind::Read as u32, file, result as u64)
        }
        operation::WRITEV | operation::WRITE_FIXED | operation::WRITE => {
            slots::by_file(id, Kind::Write as u32, file, result as u64)
        }
        operation::FALLOCATE => slots::by_file(id, Kind::Allocate as u32, file, 0),
        // The length is that of the file now.
        operation::FTRUNCATE => {
            let inode: u64 = field(file, offset!(file_inode));
            slots::by_file(id, Kind::Truncate as u32, file, field(inode, offset!(inode_size)))
        }
        operation::SPLICE => {
            slots::uncounted(id, field(request, offset!(ring_splice_from)), 0);
            slots::by_file(id, Kind::Write as u32, file, result as u64)
        }
        operation::OPENAT | operation::OPENAT2 => {
            slots::opened(id, result as u32, field(request, offset!(ring_open_flags)))
        }
        // Which descriptor is not said any more.
        operation::CLOSE => {
            renew((id >> 32) as u32, mark_of((id >> 32) as u32) & SHARES);
            0
        }
        operation::RENAMEAT | operation::UNLINKAT | operation::SYMLINKAT | operation::LINKAT => {
            if names::tell_requested(id, request) != 0 {
                0
            } else {
                unfollowed(id, RING, 0)
            }
        }
        _ => 0,
    };
    0
}

/// A request is handed over: the kernel has its paths in its own memory already.
#[btf_tracepoint(function = "io_uring_submit_req")]
pub fn ring_submit(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if is_member(id) {
        let _alone = Alone::begin();
        requested(id, as_number(ctx.arg(0)));
    }
    0
}

/// Numbers of the calls of which operations on paths are the like.
mod call {
    pub(super) const UNLINKAT: u64 = 263;
    pub(super) const LINKAT: u64 = 265;
    pub(super) const SYMLINKAT: u64 = 266;
    pub(super) const RENAMEAT2: u64 = 316;
}

/// Tells what the paths of a request name. No function of its own: one more would be too many within each other.
#[inline(always)]
fn requested(id: u64, request: u64) -> u32 {
    if offset!(ring_rename_old) as u32 == NO_FIELD {
        return 0;
    }
    let name = |place: usize| -> u64 { field(field::<u64>(request, place), offset!(filename_name)) };
    let none = (0, 0);
    let opcode: u8 = field(request, offset!(ring_opcode));
    let (number, flags, first, second): (u64, u32, (u32, u64), (u32, u64)) = match opcode {
        operation::RENAMEAT => (
            call::RENAMEAT2,
            field(request, offset!(ring_rename_flags)),
            (field(request, offset!(ring_rename_old_dir)), name(offset!(ring_rename_old))),
            (field(request, offset!(ring_rename_new_dir)), name(offset!(ring_rename_new))),
        ),
        operation::LINKAT => (
            call::LINKAT,
            field(request, offset!(ring_link_flags)),
            (field(request, offset!(ring_link_old_dir)), name(offset!(ring_link_old))),
            (field(request, offset!(ring_link_new_dir)), name(offset!(ring_link_new))),
        ),
        operation::SYMLINKAT => (
            call::SYMLINKAT,
            0,
            (field(request, offset!(ring_link_new_dir)), name(offset!(ring_link_new))),
            none,
        ),
        operation::UNLINKAT => (
            call::UNLINKAT,
            field(request, offset!(ring_unlink_flags)),
            (field(request, offset!(ring_unlink_dir)), name(offset!(ring_unlink_name))),
            none,
        ),
        _ => return 0,
    };
    let asked = Asked {
        number,
        extra: u64::from(flags),
        key: request,
        pointers: [first.1, second.1],
        dirs: [first.0, second.0],
        open: 0,
        padding: 0,
    };
    ask(id, &asked);
    0
}
