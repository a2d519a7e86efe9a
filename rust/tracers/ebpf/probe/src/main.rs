//! The kernel side: sees the system calls of the processes of one run, and tells what they did to files.
//!
//! One program runs at the end of every system call of the machine, and its first act is to ask whether the process is one of the run:
//! a byte for each process says so. What it tells goes into a ring that the user side reads.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)] // one addition, in `slots`

mod events;
mod kernel;
mod names;
mod paths;
mod slots;

use aya_ebpf::EbpfContext;
use aya_ebpf::btf_maps::{Array, LruHashMap};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_task_btf};
use aya_ebpf::macros::{btf_map, btf_tracepoint};
use aya_ebpf::programs::BtfTracePointContext;
use tracer_ebpf_abi::{Action, CALLS, Kind, NONE, PIDS, RING, WRITABLE, act};

use crate::events::{begin, emit, fill_file, scratch};
use crate::kernel::{
    FMODE_WRITE, MAP_ANONYMOUS, MAP_FIXED, MAP_SHARED, O_TRUNC, OFFSETS, PROT_WRITE, field, file_of, offset,
};
use crate::slots::{close, first, forget, opened};

/// For each process: bit 7 says that it is one of the run, the others are its epoch.
#[repr(C)]
#[derive(Clone, Copy)]
struct Tracked {
    bytes: [u8; PIDS],
}

/// BPF_F_MMAPABLE: the user side marks the first process with a plain store.
#[btf_map(name = "tracked")]
static TRACKED: Array<Tracked, 1, 1024> = Array::new();

/// What to do after each call; the user side fills it in for the architecture.
#[unsafe(no_mangle)]
static ACTIONS: [Action; CALLS] = [NO_ACTION; CALLS];

/// What to do before it.
#[unsafe(no_mangle)]
static BEFORE: [Action; CALLS] = [NO_ACTION; CALLS];

const NO_ACTION: Action = Action { act: 0, a: 0, b: 0, c: 0, d: 0, e: 0, follows: 0, padding: 0 };

const MEMBER: u8 = 0x80;

fn mark(pid: u32) -> Option<*mut u8> {
    let marks = TRACKED.get_ptr_mut(0)?;
    // SAFETY: the mask keeps it within the array.
    Some(unsafe { marks.cast::<u8>().add(pid as usize & (PIDS - 1)) })
}

/// Returns what the table says of a process; 0 for others.
#[inline(always)]
fn mark_of(pid: u32) -> u8 {
    // SAFETY: a byte of the map.
    mark(pid).map_or(0, |mark| unsafe { mark.read_volatile() })
}

/// Begins another epoch of a process: what was told of its descriptors holds no longer.
fn renew(pid: u32) {
    if let Some(mark) = mark(pid) {
        // SAFETY: a byte of the map.
        unsafe { mark.write_volatile(MEMBER | (mark.read_volatile().wrapping_add(1) & 0x7f)) };
    }
}

/// The registers of a call as the kernel saves them (struct pt_regs, arch/x86/include/uapi/asm/ptrace.h), bytes.
mod regs {
    pub(crate) const ARGS: [usize; 6] = [112, 104, 96, 56, 72, 64];
    pub(crate) const NUMBER: usize = 120;
}

#[derive(Clone, Copy)]
struct Regs(*const u8);

impl Regs {
    #[inline(always)]
    fn at(self, offset: usize) -> u64 {
        // SAFETY: a pointer that the verifier knows to be to struct pt_regs.
        unsafe { self.0.add(offset).cast::<u64>().read_volatile() }
    }

    #[inline(always)]
    fn arg(self, position: u8) -> u64 {
        match position {
            0 => self.at(regs::ARGS[0]),
            1 => self.at(regs::ARGS[1]),
            2 => self.at(regs::ARGS[2]),
            3 => self.at(regs::ARGS[3]),
            4 => self.at(regs::ARGS[4]),
            5 => self.at(regs::ARGS[5]),
            _ => 0,
        }
    }
}

/// Returns the directory that an argument says.
#[inline(always)]
fn directory_of(regs: Regs, position: u8) -> u32 {
    if position == NONE { names::CWD } else { regs.arg(position) as u32 }
}

#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if mark_of((id >> 32) as u32) & MEMBER == 0 {
        return 0;
    }
    let number: u64 = ctx.arg(1);
    if number >= CALLS as u64 {
        return 0;
    }
    // SAFETY: within the table; see `ACTIONS`.
    let Action { act, a, b, c, d, e, follows, .. } =
        unsafe { (&raw const BEFORE).cast::<Action>().add(number as usize).read_volatile() };
    if act == act::NOTHING {
        return 0;
    }
    // SAFETY: the first argument of the tracepoint.
    let regs = Regs(unsafe { *(ctx.as_ptr() as *const *const u8) });
    let mut extra = regs.arg(e);
    if act == act::PATH_OPENED_HOW {
        extra = kernel::user_word(extra);
    }
    if (act == act::PATH_OPENED || act == act::PATH_OPENED_HOW) && extra & O_TRUNC == 0 {
        return 0;
    }
    let asked = Asked {
        number,
        extra,
        follows: u64::from(follows),
        dirs: [directory_of(regs, a), directory_of(regs, c)],
        pointers: [regs.arg(b), if act == act::TWO_PATHS { regs.arg(d) } else { 0 }],
    };
    if !ask(id, &asked, 0) {
        let thread = id as u32;
        // Without room for it the path is told of as it is found after the call.
        let _full = WAITING.insert(&thread, &asked, 0);
    }
    0
}

/// A call whose paths are looked at.
#[repr(C)]
#[derive(Clone, Copy)]
struct Asked {
    number: u64,
    extra: u64,
    follows: u64,
    dirs: [u32; 2],
    /// 0: none.
    pointers: [u64; 2],
}

/// Calls whose paths could not be read when they began, by thread.
#[btf_map(name = "waiting")]
static WAITING: LruHashMap<u32, Asked, 4096> = LruHashMap::new();

/// Tells what the paths of a call name; `false` if one could not be read.
#[inline(always)]
fn ask(id: u64, asked: &Asked, late: u64) -> bool {
    if let Some(scratch) = scratch() {
        scratch.follows = asked.follows as u32;
    }
    let [first, second] =
        [Kind::Before, Kind::BeforeSecond].map(|kind| asked.number | (kind as u64) << 32 | late);
    names::tell(id, first, asked.dirs[0], asked.pointers[0], asked.extra) == 0
        && (asked.pointers[1] == 0
            || names::tell(id, second, asked.dirs[1], asked.pointers[1], asked.extra) == 0)
}

/// A call is over: what was not told of its paths until now is told, unless it has failed.
#[inline(always)]
fn settle(id: u64, has_failed: bool) {
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr(&thread) else { return };
    // SAFETY: an entry of the map.
    let asked = unsafe { *asked };
    let _there = WAITING.remove(&thread);
    if !has_failed {
        ask(id, &asked, names::IS_LATE);
    }
}

/// The kernel has put pages of a file into the memory of a process: perhaps those that the call just begun has its paths in, which
/// it has not followed yet.
#[btf_tracepoint(function = "mm_filemap_map_pages")]
pub fn map_pages(_ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if mark_of((id >> 32) as u32) & MEMBER == 0 {
        return 0;
    }
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr(&thread) else { return 0 };
    // SAFETY: an entry of the map.
    let asked = unsafe { *asked };
    if ask(id, &asked, 0) {
        let _there = WAITING.remove(&thread);
    }
    0
}

#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    let mark = mark_of((id >> 32) as u32);
    if mark & MEMBER == 0 {
        return 0;
    }
    // SAFETY: the first argument of the tracepoint.
    let regs = Regs(unsafe { *(ctx.as_ptr() as *const *const u8) });
    let number = regs.at(regs::NUMBER);
    if number >= CALLS as u64 {
        return 0;
    }
    // SAFETY: within the table. Volatile: what the user side fills in is not what was compiled.
    let Action { act, a, b, c, .. } =
        unsafe { (&raw const ACTIONS).cast::<Action>().add(number as usize).read_volatile() };
    if act == act::NOTHING {
        return 0;
    }
    let result: i64 = ctx.arg(1);
    if act <= act::CLOSE {
        let fd = regs.at(regs::ARGS[0]) as u32;
        if act == act::CLOSE {
            close(id, fd);
        } else if result >= 0 {
            slots::transfer(id, mark, fd, result as u64, (act - act::READ) as u32);
        }
        return 0;
    }
    if act == act::CLOSE_RANGE {
        renew((id >> 32) as u32);
        return 0;
    }
    let has_failed = result < 0 && result >= -4095;
    if matches!(act, act::PATH | act::OPEN | act::OPEN_HOW | act::CREAT) {
        settle(id, has_failed);
    }
    if has_failed {
        return 0;
    }
    match act {
        act::OPEN => opened(id, result as u32, regs.arg(a)),
        act::OPEN_HOW => opened(id, result as u32, kernel::user_word(regs.arg(a))),
        act::CREAT => opened(id, result as u32, 0o1101),
        act::COPY => {
            first(id, regs.arg(a) as u32, result as u64, 0);
            first(id, regs.arg(b) as u32, result as u64, 1)
        }
        act::DUPLICATE => forget(id, result as u32),
        act::MAP => {
            let how = regs.arg(b) as u32 as u64 | regs.arg(c) << 32;
            mapped(id, regs.arg(a) as u32, how, result as u64, regs.arg(1))
        }
        act::PROTECT if regs.arg(c) & PROT_WRITE == 0 => 0,
        act::PROTECT => remapped(id, Kind::Protect as u32, regs.arg(a), regs.arg(b)),
        act::UNMAP => remapped(id, Kind::Unmap as u32, regs.arg(a), regs.arg(b)),
        act::MOVE => remapped(id, Kind::Move as u32, regs.arg(a), result as u64),
        act::TRUNCATE_FD => changed(id, Kind::Truncate as u32, regs.arg(a) as u32, regs.arg(b)),
        act::PATH => {
            let kind = Kind::After as u64;
            if let Some(scratch) = scratch() {
                scratch.follows = 0;
            }
            names::tell(id, number | kind << 32, directory_of(regs, a), regs.arg(b), result as u64)
        }
        act::ALLOCATE => changed(id, Kind::Allocate as u32, regs.arg(a) as u32, regs.arg(b)),
        act::IOCTL => ioctl(id, regs.arg(a) as u32, regs.arg(b) as u32, regs.arg(c)),
        act::UNFOLLOWED => unfollowed(id, number, regs.arg(a)),
        act::AIO => submitted(id, result as u32, regs.arg(a)),
        _ => 0,
    };
    0
}

/// Memories that have had a file mapped in such a way that its mapping may become writable later.
#[btf_map(name = "sharers")]
static SHARERS: LruHashMap<u64, u8, 16384> = LruHashMap::new();

/// The memory of the current task.
#[inline(always)]
fn own_memory() -> u64 {
    // SAFETY: the helper has no requirements.
    let task = unsafe { bpf_get_current_task_btf() } as u64;
    field(task, offset!(task_mm))
}

/// A file was mapped.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn mapped(id: u64, fd: u32, how: u64, place: u64, bytes: u64) -> u32 {
    let memory = own_memory();
    // A mapping with a fixed place takes the place of whatever was there.
    if how >> 32 & MAP_FIXED != 0 {
        remapped(id, Kind::Unmap as u32, place, bytes);
    }
    let file = file_of(fd);
    if file == 0 || how >> 32 & MAP_ANONYMOUS != 0 {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Map as u16, fd as i32);
    scratch.head.value = how;
    scratch.head.value2 = place;
    scratch.head.bytes = bytes;
    scratch.head.memory = memory;
    if field::<u32>(file, offset!(file_mode)) & FMODE_WRITE != 0 {
        scratch.head.flags |= WRITABLE;
        if how >> 32 & MAP_SHARED != 0 && how & PROT_WRITE == 0 {
            let _full = SHARERS.insert(&memory, &1, 0);
        }
    }
    fill_file(file);
    emit()
}

/// Memory was made writable, given back or moved: told of those that it matters for.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn remapped(id: u64, kind: u32, place: u64, value: u64) -> u32 {
    let memory = own_memory();
    if SHARERS.get_ptr(&memory).is_none() {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, -1);
    scratch.head.value = value;
    scratch.head.value2 = place;
    scratch.head.memory = memory;
    emit()
}

/// The length or the blocks of an open file were changed.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn changed(id: u64, kind: u32, fd: u32, value: u64) -> u32 {
    let file = file_of(fd);
    if file == 0 {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, fd as i32);
    scratch.head.value = value;
    fill_file(file);
    emit()
}

/// The requests of ioctl(2) that copy files or change what they hold (include/uapi/linux/fs.h, falloc.h).
mod request {
    pub(crate) const CLONE: u32 = 0x4004_9409;
    pub(crate) const CLONE_RANGE: u32 = 0x4020_940d;
    pub(crate) const UNRESERVE: u32 = 0x4030_5829;
    pub(crate) const UNRESERVE64: u32 = 0x4030_582b;
    pub(crate) const ZERO_RANGE: u32 = 0x4030_5839;
}

/// An ioctl(2) was made.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn ioctl(id: u64, fd: u32, asked: u32, argument: u64) -> u32 {
    match asked {
        request::CLONE | request::CLONE_RANGE => {
            // The source is the first member of struct file_clone_range.
            let source = if asked == request::CLONE { argument } else { kernel::user_word(argument) };
            slots::uncounted(id, source as u32, 0);
            slots::uncounted(id, fd, 1)
        }
        request::UNRESERVE | request::UNRESERVE64 | request::ZERO_RANGE => {
            changed(id, Kind::Allocate as u32, fd, 0)
        }
        _ => 0,
    }
}

/// Something was done that the tracer cannot follow.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn unfollowed(id: u64, number: u64, argument: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Unfollowed as u16, -1);
    scratch.head.value = number;
    scratch.head.value2 = argument;
    emit()
}

/// Reads and writes were handed to the kernel (io_submit(2)); what becomes of them is not waited for.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn submitted(id: u64, count: u32, blocks: u64) -> u32 {
    for at in 0..256_u32 {
        if at >= count {
            break;
        }
        // struct iocb (include/uapi/linux/aio_abi.h): the operation at 16, the descriptor at 20.
        let block = kernel::user_word(blocks + u64::from(at) * 8);
        let word = kernel::user_word(block + 16);
        let (operation, fd) = (word as u16, (word >> 32) as u32);
        match operation {
            0 | 7 => slots::uncounted(id, fd, 0),
            1 | 8 => slots::uncounted(id, fd, 1),
            _ => 0,
        };
    }
    0
}

/// Operations of io_uring (include/uapi/linux/io_uring.h).
mod ring {
    pub(crate) const READV: u8 = 1;
    pub(crate) const WRITEV: u8 = 2;
    pub(crate) const READ_FIXED: u8 = 4;
    pub(crate) const WRITE_FIXED: u8 = 5;
    pub(crate) const FALLOCATE: u8 = 17;
    pub(crate) const OPENAT: u8 = 18;
    pub(crate) const CLOSE: u8 = 19;
    pub(crate) const READ: u8 = 22;
    pub(crate) const WRITE: u8 = 23;
    pub(crate) const OPENAT2: u8 = 28;
    pub(crate) const SPLICE: u8 = 30;
    pub(crate) const RENAMEAT: u8 = 35;
    pub(crate) const UNLINKAT: u8 = 36;
    pub(crate) const SYMLINKAT: u8 = 38;
    pub(crate) const LINKAT: u8 = 39;
    pub(crate) const READ_MULTISHOT: u8 = 49;
    pub(crate) const FTRUNCATE: u8 = 55;
}

/// A request of an io_uring is done: in the process that made it, or in a thread that the kernel has for it there.
#[btf_tracepoint(function = "io_uring_complete")]
pub fn ring_complete(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if mark_of((id >> 32) as u32) & MEMBER == 0 {
        return 0;
    }
    let (request, entry): (u64, u64) = (ctx.arg(1), ctx.arg(2));
    if request == 0 {
        return 0;
    }
    // struct io_uring_cqe: the result is behind the 8 bytes of the program's own.
    let result: i32 = field(entry, 8);
    if result < 0 {
        return 0;
    }
    let file: u64 = field(request, offset!(ring_file));
    let opcode: u8 = field(request, offset!(ring_opcode));
    match opcode {
        ring::READV | ring::READ_FIXED | ring::READ | ring::READ_MULTISHOT => {
            slots::by_file(id, Kind::Read as u32, file, result as u64)
        }
        ring::WRITEV | ring::WRITE_FIXED | ring::WRITE => {
            slots::by_file(id, Kind::Write as u32, file, result as u64)
        }
        ring::FALLOCATE => slots::by_file(id, Kind::Allocate as u32, file, 0),
        // The length is that of the file now.
        ring::FTRUNCATE => {
            let inode: u64 = field(file, offset!(file_inode));
            slots::by_file(id, Kind::Truncate as u32, file, field(inode, offset!(inode_size)))
        }
        ring::SPLICE => {
            slots::uncounted(id, field(request, offset!(ring_splice_from)), 0);
            slots::by_file(id, Kind::Write as u32, file, result as u64)
        }
        ring::OPENAT | ring::OPENAT2 => opened(id, result as u32, field(request, offset!(ring_open_flags))),
        // Which descriptor is not said any more.
        ring::CLOSE => {
            renew((id >> 32) as u32);
            0
        }
        ring::RENAMEAT | ring::UNLINKAT | ring::SYMLINKAT | ring::LINKAT => unfollowed(id, RING, 0),
        _ => 0,
    };
    0
}

#[btf_tracepoint(function = "sched_process_fork")]
pub fn fork(ctx: BtfTracePointContext) -> i32 {
    let (parent, child): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let (pid, made): (u32, u32) = (field(parent, offset!(task_tgid)), field(child, offset!(task_tgid)));
    if mark_of(pid) & MEMBER == 0 || pid == made {
        return 0;
    }
    renew(made);
    let Some(scratch) = scratch() else { return 0 };
    let tid: u32 = field(parent, offset!(task_pid));
    begin(scratch, u64::from(pid) << 32 | u64::from(tid), Kind::Fork as u16, -1);
    scratch.head.value = u64::from(made);
    let (memory, made): (u64, u64) = (field(parent, offset!(task_mm)), field(child, offset!(task_mm)));
    scratch.head.memory = memory;
    scratch.head.value2 = made;
    if memory != made && SHARERS.get_ptr(&memory).is_some() {
        let _full = SHARERS.insert(&made, &1, 0);
    }
    emit();
    0
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn exec(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if mark_of((id >> 32) as u32) & MEMBER == 0 {
        return 0;
    }
    renew((id >> 32) as u32);
    let program: u64 = ctx.arg(2);
    executed(id, field(program, offset!(bprm_file)));
    directory(id);
    0
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn executed(id: u64, file: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Exec as u16, -1);
    fill_file(file);
    // SAFETY: the helper has no requirements.
    let task = unsafe { bpf_get_current_task_btf() } as u64;
    let mm: u64 = field(task, offset!(task_mm));
    let (start, end): (u64, u64) = (field(mm, offset!(mm_arg_start)), field(mm, offset!(mm_arg_end)));
    paths::add_user_bytes(start, end.wrapping_sub(start));
    emit()
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn directory(id: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Directory as u16, -1);
    // SAFETY: the helper has no requirements.
    let task = unsafe { bpf_get_current_task_btf() } as u64;
    let fs: u64 = field(task, offset!(task_fs));
    paths::walk(field(fs, offset!(fs_pwd_dentry)), field(fs, offset!(fs_pwd_mnt)));
    emit()
}

#[btf_tracepoint(function = "sched_process_exit")]
pub fn exit(ctx: BtfTracePointContext) -> i32 {
    let task: u64 = ctx.arg(0);
    let pid: u32 = field(task, offset!(task_tgid));
    if mark_of(pid) & MEMBER == 0 {
        return 0;
    }
    let signal: u64 = field(task, offset!(task_signal));
    if field::<i32>(signal, offset!(signal_live)) != 0 {
        return 0;
    }
    if let Some(mark) = mark(pid) {
        // SAFETY: a byte of the map.
        unsafe { mark.write_volatile(mark.read_volatile() & !MEMBER) };
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, u64::from(pid) << 32 | u64::from(pid), Kind::Exit as u16, -1);
    let code: i32 = field(signal, offset!(signal_exit_code));
    let own: i32 = field(task, offset!(task_exit_code));
    scratch.head.value = (if code != 0 { code } else { own }) as u32 as u64;
    emit();
    0
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
