//! The kernel side: sees the system calls of the processes of one run, and tells what they did to files.
//!
//! One program runs at the end of every system call of the machine, and its first act is to ask whether the process is one of the run:
//! a byte for each process says so. What it tells goes into a ring that the user side reads.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)] // a few instructions that the library or the compiler has not

mod again;
mod alone;
mod events;
mod kernel;
mod loader;
mod lookups;
mod names;
mod paths;
mod proc;
mod slots;
mod told;
mod uring;
mod victims;

use core::arch::asm;

use aya_ebpf::EbpfContext;
use aya_ebpf::btf_maps::{Array, LruHashMap};
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::{btf_map, btf_tracepoint, tracepoint};
use aya_ebpf::programs::{BtfTracePointContext, TracePointContext};
use tracer_ebpf_abi::{Action, CALLS, Kind, Launcher, NONE, PIDS, ROWS, WRITABLE, X32, act, stand_in};

use crate::alone::Alone;
use crate::events::{Scratch, begin, emit, fill_file, scratch};
use crate::kernel::{
    AT_SYMLINK_FOLLOW, FMODE_WRITE, MAP_ANONYMOUS, MAP_FIXED, MAP_SHARED, PROT_WRITE, field, file_of, offset,
    times,
};
use crate::lookups::ENOENT;
use crate::names::{Asked, WAITING, ask, settle};
use crate::slots::{first, forget, opened};

/// For each process: bit 7 says that it is one of the run, bit 6 that it shares its descriptors with another, the others are its epoch.
#[repr(C)]
#[derive(Clone, Copy)]
struct Tracked {
    bytes: [u8; PIDS],
}

#[btf_map(name = "tracked")]
static TRACKED: Array<Tracked, 1> = Array::new();

/// No program calls it: the linker keeps a map that a function names, and of these the programs know the stand-ins.
#[unsafe(no_mangle)]
pub extern "C" fn kept() -> u64 {
    let maps =
        [(&raw const TRACKED).addr(), (&raw const slots::TABLE).addr(), (&raw const again::SEEN).addr()];
    (maps[0] ^ maps[1] ^ maps[2]) as u64
}

/// What to do after each call; the user side fills it in for the architecture.
#[unsafe(no_mangle)]
static ACTIONS: [Action; ROWS] = [NO_ACTION; ROWS];

/// What to do before it.
#[unsafe(no_mangle)]
pub(crate) static BEFORE: [Action; ROWS] = [NO_ACTION; ROWS];

/// Who starts the command.
#[unsafe(no_mangle)]
static LAUNCHER: Launcher = Launcher { pid: 0, namespace: 0 };

/// What is known once the command has been started.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Started {
    /// How deep the PID namespace of the launcher is.
    level: u32,
    /// 1: the command is there.
    is_there: u32,
}

#[btf_map(name = "started")]
static STARTED: Array<Started, 1> = Array::new();

const NO_ACTION: Action = Action { act: 0, a: 0, b: 0, c: 0, d: 0, e: 0, follows: 0, padding: 0 };

pub(crate) const MEMBER: u8 = 0x80;
pub(crate) const SHARES: u8 = 0x40;
const EPOCHS: u8 = 0x3f;

#[inline(always)]
fn mark(pid: u32) -> *mut u8 {
    // SAFETY: the mask keeps it within the array.
    unsafe { kernel::value_of!(stand_in::TRACKED).add(pid as usize & (PIDS - 1)) }
}

/// Returns what the table says of a process; 0 for others.
#[inline(always)]
pub(crate) fn mark_of(pid: u32) -> u8 {
    // SAFETY: a byte of the map.
    unsafe { mark(pid).read_volatile() }
}

/// Returns whether the current process is one of the run.
#[inline(always)]
pub(crate) fn is_member(id: u64) -> bool {
    mark_of((id >> 32) as u32) & MEMBER != 0
}

/// Begins another epoch of a process: what was told of its descriptors holds no longer. `shares`: [`SHARES`] or 0.
pub(crate) fn renew(pid: u32, shares: u8) {
    let mark = mark(pid);
    // SAFETY: a byte of the map.
    unsafe { mark.write_volatile(MEMBER | shares | (mark.read_volatile().wrapping_add(1) & EPOCHS)) };
}

/// How deep the PID namespace of the user side is.
#[inline(always)]
pub(crate) fn level() -> u32 {
    // SAFETY: written once, before any process is one of the run.
    STARTED.get_ptr(0).map_or(0, |started| unsafe { (*started).level })
}

/// The registers of a call as the kernel saves them (struct pt_regs, arch/x86/include/uapi/asm/ptrace.h), bytes.
pub(crate) mod regs {
    pub(crate) const ARGS: [usize; 6] = [112, 104, 96, 56, 72, 64];
    /// Of 32-bit programs.
    pub(crate) const ARGS32: [usize; 6] = [40, 88, 96, 104, 112, 32];
    pub(crate) const NUMBER: usize = 120;
}

#[derive(Clone, Copy)]
struct Regs(*const u8);

impl Regs {
    #[inline(always)]
    fn of(ctx: &BtfTracePointContext) -> Self {
        // SAFETY: the first argument of the tracepoints of calls.
        Self(unsafe { *(ctx.as_ptr() as *const *const u8) })
    }

    #[inline(always)]
    fn at(self, offset: usize) -> u64 {
        // SAFETY: a pointer that the verifier knows to be to struct pt_regs.
        unsafe { self.0.add(offset).cast::<u64>().read_volatile() }
    }

    #[inline(always)]
    fn first(self, row: usize) -> u64 {
        if row == 0 { self.at(regs::ARGS[0]) } else { self.at(regs::ARGS32[0]) & 0xffff_ffff }
    }

    /// Puts the arguments where [`arg`] finds them.
    #[inline(always)]
    fn load(self, scratch: &mut Scratch, row: usize) {
        if row == 0 {
            scratch.args = [
                self.at(regs::ARGS[0]),
                self.at(regs::ARGS[1]),
                self.at(regs::ARGS[2]),
                self.at(regs::ARGS[3]),
                self.at(regs::ARGS[4]),
                self.at(regs::ARGS[5]),
                0,
                0,
            ];
        } else {
            scratch.args = [
                self.at(regs::ARGS32[0]) & 0xffff_ffff,
                self.at(regs::ARGS32[1]) & 0xffff_ffff,
                self.at(regs::ARGS32[2]) & 0xffff_ffff,
                self.at(regs::ARGS32[3]) & 0xffff_ffff,
                self.at(regs::ARGS32[4]) & 0xffff_ffff,
                self.at(regs::ARGS32[5]) & 0xffff_ffff,
                0,
                0,
            ];
        }
    }
}

/// Returns an argument; 0 for [`NONE`].
#[inline(always)]
fn arg(scratch: &Scratch, position: u8) -> u64 {
    // SAFETY: the mask keeps it within the array.
    unsafe { (&raw const scratch.args).cast::<u64>().add(usize::from(position & 7)).read_volatile() }
}

/// Returns the directory that an argument says.
#[inline(always)]
fn directory_of(scratch: &Scratch, position: u8) -> u32 {
    if position == NONE { names::CWD } else { arg(scratch, position) as u32 }
}

/// Returns where in the tables the rows of the current call's kind begin.
#[inline(always)]
pub(crate) fn rows_of_kind() -> usize {
    rows_of(kernel::Task::current())
}

#[inline(always)]
fn rows_of(task: kernel::Task) -> usize {
    /// `thread_info.status`: a call of a 32-bit program (arch/x86/include/asm/thread_info.h).
    const TS_COMPAT: u32 = 2;
    let status: u32 = task.field(offset!(task_status));
    ((status & TS_COMPAT) as usize) * (CALLS / TS_COMPAT as usize)
}

/// Returns a row of a table. In instructions of our own: the compiler finds ways to it on which the verifier before Linux 6.2 loses sight of
/// where in the table it ends.
#[inline(always)]
pub(crate) fn row(table: *const [Action; ROWS], number: u64, rows: usize) -> Action {
    let place = number + rows as u64;
    let mut at = table.cast::<u64>();
    // SAFETY: the mask keeps it within the table. Volatile: what the user side fills in is not what was compiled.
    unsafe {
        asm!(
            "{place} &= {mask}",
            "{place} <<= 3",
            "{at} += {place}",
            place = inout(reg) place => _,
            at = inout(reg) at,
            mask = const ROWS - 1,
            options(pure, nomem, nostack),
        );
        core::mem::transmute::<u64, Action>(at.read_volatile())
    }
}

#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let number: u64 = ctx.arg(1);
    if number >= CALLS as u64 {
        return 0;
    }
    let rows = rows_of_kind();
    if row(&raw const BEFORE, number, rows).act != act::NOTHING
        && let Some(scratch) = scratch()
    {
        Regs::of(&ctx).load(scratch, rows);
        begins(id, number, rows as u32);
    }
    0
}

/// The same for some calls only, which costs the others less; those of 32-bit programs do not come by here
/// (ARCH_TRACE_IGNORE_COMPAT_SYSCALLS, arch/x86/include/asm/ftrace.h).
#[tracepoint]
pub fn enter_call(ctx: TracePointContext) -> u32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let Some(scratch) = scratch() else { return 0 };
    // struct syscall_trace_enter (kernel/trace/trace.h): the number at 8, the arguments from 16 on. What is behind those that the call
    // has is of no account, and may not be read as part of the context.
    let call = ctx.as_ptr() as u64;
    scratch.args = field(call, 16);
    let number: u32 = field(call, 8);
    if number < CALLS as u32 {
        begins(id, u64::from(number), 0);
    }
    0
}

/// A call on names begins, whose arguments are in the scratch.
#[inline(always)]
fn begins(id: u64, number: u64, rows: u32) -> u32 {
    let Action { act, a, b, c, d, e, .. } = row(&raw const BEFORE, number, rows as usize);
    let Some(scratch) = scratch() else { return 0 };
    if act == act::NOTHING {
        return 0;
    }
    let asked = Asked {
        number: number + u64::from(rows),
        extra: arg(scratch, e),
        key: 0,
        dirs: [directory_of(scratch, a), directory_of(scratch, c)],
        pointers: [arg(scratch, b), if act == act::TWO_PATHS { arg(scratch, d) } else { 0 }],
        open: 0,
        padding: 0,
    };
    ask(id, &asked);
    0
}

/// The kernel has put pages of a file into the memory of a process: perhaps those that the call just begun has its paths in, which
/// it has not followed yet.
#[btf_tracepoint(function = "mm_filemap_map_pages")]
pub fn map_pages(_ctx: BtfTracePointContext) -> i32 {
    read_by_now()
}

/// In place of that on kernels that do not tell of it: a call is about to change names, and has read its paths.
#[btf_tracepoint(function = "mnt_want_write")]
pub fn want_write(_ctx: BtfTracePointContext) -> i32 {
    read_by_now()
}

#[inline(always)]
fn read_by_now() -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr(&thread) else { return 0 };
    // SAFETY: an entry of the map.
    let asked = unsafe { *asked };
    if asked.open & names::open::UNREAD != 0 {
        let _there = WAITING.remove(&thread);
        ask(id, &asked);
    }
    0
}

#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    let task = kernel::Task::current();
    if kernel::has!(preemptible) {
        again::seen(task);
    }
    call_ends(&ctx, task)
}

/// The same once more, behind it: for calls that the kernel has left the first one out of.
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit_again(ctx: BtfTracePointContext) -> i32 {
    let task = kernel::Task::current();
    if again::was_seen(task) {
        return 0;
    }
    call_ends(&ctx, task)
}

#[inline(always)]
fn call_ends(ctx: &BtfTracePointContext, task: kernel::Task) -> i32 {
    let pid = task.process_id();
    let mark = mark_of(pid);
    if mark & MEMBER == 0 {
        return 0;
    }
    let _alone = Alone::begin();
    let regs = Regs::of(ctx);
    let number = regs.at(regs::NUMBER);
    let result: i64 = ctx.arg(1);
    if number >= CALLS as u64 {
        /// __X32_SYSCALL_BIT.
        const X32_BIT: u64 = 0x4000_0000;
        if number & !(CALLS as u64 - 1) == X32_BIT && result >= 0 {
            unfollowed(bpf_get_current_pid_tgid(), X32, number);
        }
        return 0;
    }
    let rows = rows_of(task);
    // For a pointer that it reads with its type the verifier looks through the names of all of the kernel's types, for what it may think of
    // it: once if that is here, for all the ways from here on.
    let files = if kernel::has!(typed_task) { task.field(offset!(task_files)) } else { 0 };
    let Action { act, a, b, c, d, e, follows, .. } = row(&raw const ACTIONS, number, rows);
    if act == act::NOTHING {
        return 0;
    }
    if act <= act::CLOSE {
        let fd = regs.first(rows) as u32;
        if act == act::CLOSE {
            forget(bpf_get_current_pid_tgid(), fd);
        } else if result >= 0 {
            let files = if kernel::has!(typed_task) { files } else { task.field(offset!(task_files)) };
            slots::transfer(pid, mark, files, fd, result as u64, (act - act::READ) as u32);
        }
        return 0;
    }
    if act == act::LOOK && result != ENOENT {
        return 0;
    }
    if act == act::CLOSE_RANGE {
        renew(pid, mark & SHARES);
        return 0;
    }
    let id = bpf_get_current_pid_tgid();
    if result == ENOENT && lookups::looks(act) {
        return lookups::found_nothing(id, regs, rows, act, [a, b, c]);
    }
    let has_failed = result < 0 && result >= -4095;
    if act == act::PATH && settle(id, has_failed) {
        return 0;
    }
    if has_failed && act != act::TOLD {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    regs.load(scratch, rows);
    if act == act::TOLD {
        told::end_call(id, number + rows as u64, arg(scratch, e), u32::from(has_failed));
        return 0;
    }
    let [first_arg, second_arg, third_arg] = [arg(scratch, a), arg(scratch, b), arg(scratch, c)];
    match act {
        act::OPEN => opened(id, result as u32, first_arg),
        act::OPEN_HOW => opened(id, result as u32, kernel::user_word(first_arg)),
        act::CREAT => opened(id, result as u32, 0o1101),
        act::COPY => {
            first(id, first_arg as u32, result as u64, 0);
            first(id, second_arg as u32, result as u64, 1)
        }
        act::DUPLICATE => forget(id, result as u32),
        act::MAP => {
            let how = second_arg & 0xffff_ffff | third_arg << 32;
            mapped(id, first_arg as u32, how, result as u64, scratch.args[1])
        }
        act::MAP_INDIRECT => {
            // Address and length, protection and flags, descriptor and offset.
            let (size, how, file) = (
                kernel::user_word(first_arg),
                kernel::user_word(first_arg + 8),
                kernel::user_word(first_arg + 16),
            );
            mapped(id, file as u32, how, result as u64, size >> 32)
        }
        act::PROTECT if third_arg & PROT_WRITE == 0 => 0,
        act::PROTECT => remapped(id, Kind::Protect as u32, first_arg, second_arg),
        act::UNMAP => remapped(id, Kind::Unmap as u32, first_arg, second_arg),
        act::MOVE => remapped(id, Kind::Move as u32, first_arg, result as u64),
        act::TRUNCATE_FD => {
            changed(id, Kind::Truncate as u32, first_arg as u32, second_arg | third_arg << 32)
        }
        act::PATH | act::LINK => {
            let place = number + rows as u64;
            let extra = arg(scratch, e);
            let dir = directory_of(scratch, a);
            // Of links the first path is the same now; the others may be calls of a 32-bit program that nobody has seen begin.
            if (act == act::LINK || rows != 0) && d != NONE {
                let follows = u32::from(act == act::LINK && extra & AT_SYMLINK_FOLLOW != 0);
                names::tell_late(id, place, directory_of(scratch, c), arg(scratch, d), extra, follows);
            }
            scratch.follows = u32::from(follows);
            names::tell_after(id, place, dir, second_arg, extra)
        }
        act::ALLOCATE => changed(id, Kind::Allocate as u32, first_arg as u32, second_arg),
        act::IOCTL => ioctl(id, first_arg as u32, second_arg as u32, third_arg),
        act::UNFOLLOWED => unfollowed(id, number + rows as u64, first_arg),
        act::AIO => submitted(id, result as u32, first_arg, second_arg, c as u32),
        _ => 0,
    };
    0
}

/// Memories that have had a file mapped in such a way that its mapping may become writable later.
#[btf_map(name = "sharers")]
static SHARERS: LruHashMap<u64, u8, 16384> = LruHashMap::new();

/// A file was mapped.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn mapped(id: u64, fd: u32, how: u64, place: u64, bytes: u64) -> u32 {
    let memory = kernel::own_memory();
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
    let memory = kernel::own_memory();
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

/// Ends of the rings of kernel AIO after the last call of io_submit(2), by their addresses.
#[btf_map(name = "tails")]
static TAILS: LruHashMap<u64, u32, 1024> = LruHashMap::new();

/// Reads and writes were handed to the kernel (io_submit(2)). How those have ended that are over is in the ring that the kernel keeps in
/// the memory of the process (fs/aio.c, struct aio_ring); the others are not waited for.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn submitted(id: u64, count: u32, context: u64, blocks: u64, pointer_bytes: u32) -> u32 {
    for some in times(16) {
        let done = some as u32 * 16;
        if done >= count {
            break;
        }
        submitted_some(id, count - done, context, blocks + u64::from(done * pointer_bytes), pointer_bytes);
    }
    let tail = (kernel::user_word(context + 8) >> 32) as u32;
    let _full = TAILS.insert(&context, &tail, 0);
    0
}

/// Some of them.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn submitted_some(id: u64, count: u32, context: u64, blocks: u64, pointer_bytes: u32) -> u32 {
    let mut place = blocks;
    for at in times(16) {
        if at >= u64::from(count) {
            break;
        }
        submitted_block(id, context, place, pointer_bytes);
        place += u64::from(pointer_bytes);
    }
    0
}

/// One of them, the pointer to whose control block is at `place`: a function of its own, which is verified once.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn submitted_block(id: u64, context: u64, place: u64, pointer_bytes: u32) -> u32 {
    let mask = if pointer_bytes == 4 { 0xffff_ffff } else { u64::MAX };
    let block = kernel::user_word(place) & mask;
    // struct iocb (include/uapi/linux/aio_abi.h): the operation at 16, the descriptor at 20.
    let word = kernel::user_word(block + 16);
    let (operation, fd) = (word as u16, (word >> 32) as u32);
    let side = match operation {
        0 | 7 => 0,
        1 | 8 => 1,
        _ => return 0,
    };
    let ended = completion(context, block);
    if ended == STILL_UNDER_WAY {
        slots::uncounted(id, fd, side);
    } else if ended >= 0 {
        first(id, fd, ended as u64, side);
    }
    0
}

/// In place of the result of an operation.
const STILL_UNDER_WAY: i64 = i64::MAX;

/// Returns how an operation of a control block has ended since the last call.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn completion(context: u64, block: u64) -> i64 {
    // SAFETY: an entry of the map.
    let from = TAILS.get_ptr(&context).map_or(0, |tail| unsafe { *tail });
    let Some(scratch) = scratch() else { return STILL_UNDER_WAY };
    // In memory, and read anew each time: the verifier would follow each of its values.
    let cursor = &raw mut scratch.at;
    // SAFETY: here and below, a place in the map.
    unsafe { cursor.write_volatile(from) };
    for _ in times(64) {
        let ended = ended(context, block);
        if ended != ANOTHER {
            return ended;
        }
    }
    STILL_UNDER_WAY
}

/// In place of the result of an operation: what has ended is another one.
const ANOTHER: i64 = i64::MIN;

/// Looks whether what is at the cursor of a ring of results is that of a control block, and moves the cursor on.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn ended(context: u64, block: u64) -> i64 {
    let Some(scratch) = scratch() else { return STILL_UNDER_WAY };
    let length = (kernel::user_word(context) >> 32) as u32;
    let end = (kernel::user_word(context + 8) >> 32) as u32;
    let at = scratch.at;
    if at == end || at >= length {
        return STILL_UNDER_WAY;
    }
    scratch.at = if at + 1 == length { 0 } else { at + 1 };
    // struct io_event behind the 32 bytes of the beginning: the control block at 8, the result at 16.
    let event = context + 32 + u64::from(at) * 32;
    if kernel::user_word(event + 8) == block { kernel::user_word(event + 16) as i64 } else { ANOTHER }
}

#[btf_tracepoint(function = "sched_process_fork")]
pub fn fork(ctx: BtfTracePointContext) -> i32 {
    let (parent, child): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let (pid, made): (u32, u32) = (field(parent, offset!(task_tgid)), field(child, offset!(task_tgid)));
    if pid == made {
        return 0;
    }
    let _alone = Alone::begin();
    if mark_of(pid) & MEMBER == 0 {
        if is_command(parent) {
            renew(made, 0);
        }
        return 0;
    }
    // Of processes that share their descriptors what one was told of holds no longer when another has closed one.
    let files: u64 = field(parent, offset!(task_files));
    let shares = if files == field::<u64>(child, offset!(task_files)) { SHARES } else { 0 };
    renew(made, shares);
    if shares != 0 {
        let mark = mark(pid);
        // SAFETY: a byte of the map.
        unsafe { mark.write_volatile(mark.read_volatile() | SHARES) };
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, bpf_get_current_pid_tgid(), Kind::Fork as u16, -1);
    let number: u64 = u64::from(kernel::number_of(field(child, offset!(task_thread_pid)), level()));
    scratch.head.value = number;
    let (memory, made): (u64, u64) = (field(parent, offset!(task_mm)), field(child, offset!(task_mm)));
    scratch.head.memory = memory;
    scratch.head.value2 = made;
    if memory != made && SHARERS.get_ptr(&memory).is_some() {
        let _full = SHARERS.insert(&made, &1, 0);
    }
    emit();
    0
}

/// Returns whether a process that is being made is the command: the first that the launcher makes.
#[inline(always)]
fn is_command(parent: u64) -> bool {
    let Some(started) = STARTED.get_ptr_mut(0) else { return false };
    // SAFETY: the map's, and written by the launcher's fork alone.
    let started = unsafe { &mut *started };
    if started.is_there != 0 {
        return false;
    }
    // SAFETY: a static; volatile since what is in it is not what was compiled.
    let launcher = unsafe { (&raw const LAUNCHER).read_volatile() };
    let pid: u64 = field(parent, offset!(task_thread_pid));
    let level: u32 = field(pid, offset!(pid_level));
    let namespace: u64 = field(pid, kernel::upid(level) + offset!(upid_namespace));
    if kernel::number_of(pid, level) != launcher.pid
        || field::<u32>(namespace, offset!(namespace_inum)) != launcher.namespace
    {
        return false;
    }
    started.level = level;
    started.is_there = 1;
    true
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn exec(ctx: BtfTracePointContext) -> i32 {
    let id = bpf_get_current_pid_tgid();
    if !is_member(id) {
        return 0;
    }
    let _alone = Alone::begin();
    renew((id >> 32) as u32, 0);
    let program: u64 = ctx.arg(2);
    let name: u64 = field(program, offset!(bprm_name));
    // The interpreter is the program itself unless there is a script (fs/binfmt_script.c).
    if field::<u64>(program, offset!(bprm_interpreter)) != name {
        names::tell_script(id, name);
    }
    executed(id, field(program, offset!(bprm_file)));
    loader::tell_loader(id);
    directory(id);
    0
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn executed(id: u64, file: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Exec as u16, -1);
    fill_file(file);
    let mm = kernel::own_memory();
    let (start, end): (u64, u64) = (field(mm, offset!(mm_arg_start)), field(mm, offset!(mm_arg_end)));
    paths::add_user_bytes(start, end.wrapping_sub(start));
    emit()
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn directory(id: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Directory as u16, -1);
    let fs: u64 = field(kernel::current(), offset!(task_fs));
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
    let _alone = Alone::begin();
    let signal: u64 = field(task, offset!(task_signal));
    if field::<i32>(signal, offset!(signal_live)) != 0 {
        return 0;
    }
    let mark = mark(pid);
    // SAFETY: a byte of the map.
    unsafe { mark.write_volatile(mark.read_volatile() & !MEMBER) };
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, bpf_get_current_pid_tgid(), Kind::Exit as u16, -1);
    scratch.head.tid = scratch.head.pid;
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
