//! Calls that the kernel leaves a program out of.
//!
//! Since Linux 7 a program may be interrupted by the scheduler at its very beginning, before it can say that it must not be. Whatever runs on
//! that processor until it goes on has the program left out at the end of each of its calls: a counter of the processor says that it is
//! running already (bpf_prog_get_recursion_context, include/linux/bpf.h). The counter is that of one program, so there is a second one
//! behind it that does the same for calls that the first was left out of. Both are left out only if one thread was interrupted in each.

use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::btf_map;
use tracer_ebpf_abi::{PIDS, stand_in};

use crate::kernel::{Task, offset, value_of};

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    threads: [u8; PIDS],
}

/// For each thread of the machine, while a call of it ends: 1: the first program has seen it. The user side makes it smaller if there is no
/// second one.
#[btf_map(name = "seen")]
pub(crate) static SEEN: Array<Seen, 1> = Array::new();

/// How many calls the second program has found that the first was left out of, traced or not.
#[btf_map(name = "caught")]
static CAUGHT: PerCpuArray<u64, 1> = PerCpuArray::new();

#[inline(always)]
fn thread(task: Task) -> *mut u8 {
    let tid: u32 = task.field(offset!(task_pid));
    // SAFETY: the mask keeps it within the table.
    unsafe { value_of!(stand_in::SEEN).add(tid as usize & (PIDS - 1)) }
}

/// The first program sees a call.
#[inline(always)]
pub(crate) fn seen(task: Task) {
    // SAFETY: a byte of the map, this thread's alone.
    unsafe { thread(task).write_volatile(1) };
}

/// Returns whether the first program has seen the call that the second one sees.
#[inline(always)]
pub(crate) fn was_seen(task: Task) -> bool {
    let thread = thread(task);
    // SAFETY: as above.
    unsafe {
        if thread.read_volatile() != 0 {
            thread.write_volatile(0);
            return true;
        }
    }
    if let Some(caught) = CAUGHT.get_ptr_mut(0) {
        // SAFETY: this processor's. An interruption between reading and writing can cost a count, which says then that more was lost.
        unsafe { *caught += 1 };
    }
    false
}
