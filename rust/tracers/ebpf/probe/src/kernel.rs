//! Reading the kernel's structures. Where their fields are the user side finds out from the kernel's own type information.

use core::arch::asm;
use core::mem::MaybeUninit;
use core::ops::Range;

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_probe_read_kernel, bpf_probe_read_user};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_task_btf};
use tracer_ebpf_abi::stand_in;

/// Returns the number that the user side puts in the place of the one that stands in for it.
macro_rules! number {
    ($stand_in:expr) => {{
        let number: u32;
        // SAFETY: a constant.
        unsafe {
            core::arch::asm!(
                "{number} = {stand_in}",
                number = out(wreg) number,
                stand_in = const $stand_in,
                options(pure, nomem, nostack),
            );
        }
        number
    }};
}
pub(crate) use number;

/// Returns whether the running kernel has a feature.
macro_rules! has {
    ($name:ident) => {
        $crate::kernel::number!(
            ::tracer_ebpf_abi::stand_in::FEATURES
                + (::core::mem::offset_of!(::tracer_ebpf_abi::Features, $name) / size_of::<u32>()) as u32
        ) != 0
    };
}
pub(crate) use has;

/// Returns where a field is.
macro_rules! offset {
    ($name:ident) => {
        $crate::kernel::number!(::tracer_ebpf_abi::stand_in::OFFSETS + ::tracer_ebpf_abi::Field::$name as u32)
            as usize
    };
}
pub(crate) use offset;

/// `f_mode` (include/linux/fs.h): opened for reading.
pub(crate) const FMODE_READ: u32 = 1;
/// Opened for writing.
pub(crate) const FMODE_WRITE: u32 = 2;
/// Opened as a path alone.
pub(crate) const FMODE_PATH: u32 = 1 << 14;
/// Made by this open.
pub(crate) const FMODE_CREATED: u32 = 1 << 20;

pub(crate) const AT_SYMLINK_FOLLOW: u64 = 0x400;

pub(crate) const PROT_WRITE: u64 = 2;
/// The low bit of the types of mappings that are shared.
pub(crate) const MAP_SHARED: u64 = 1;
pub(crate) const MAP_FIXED: u64 = 0x10;
pub(crate) const MAP_ANONYMOUS: u64 = 0x20;

pub(crate) const S_IFMT: u32 = 0o170_000;
pub(crate) const S_IFREG: u32 = 0o100_000;
pub(crate) const S_IFDIR: u32 = 0o040_000;
pub(crate) const S_IFLNK: u32 = 0o120_000;

/// Counts up to a number that the verifier knows and the compiler does not: it would write the body of the loop so many times, and the
/// verifier follows the calls of functions by each way that there is.
#[inline(always)]
pub(crate) fn times(count: u64) -> Range<u64> {
    let mut count = count;
    // SAFETY: does nothing. Without an instruction the compiler would say where none is in the source.
    unsafe { asm!("{count} = {count}", count = inlateout(reg) count, options(pure, nomem, nostack)) };
    0..count
}

/// Reads from an address, which comes in r1, by way of a place on the stack; see [`stand_in::READ`].
macro_rules! read {
    ($type:literal, $size:literal, $address:expr, $place:expr) => {{
        let value: u64;
        asm!(
            "r3 = r1",
            "r1 = {place}",
            concat!("r2 = ", $size),
            "call {read}",
            concat!("r0 = *(", $type, " *)({place} + 0)"),
            place = in(reg) $place,
            read = const stand_in::READ,
            inout("r1") $address => _,
            out("r0") value,
            out("r2") _,
            out("r3") _,
            out("r4") _,
            out("r5") _,
        );
        value
    }};
}

/// Reads a field of a structure at an address, a number or a few; zeros where there is none.
#[inline(always)]
pub(crate) fn field<T: Copy>(address: u64, offset: usize) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let place = value.as_mut_ptr();
    let address = address.wrapping_add(offset as u64);
    // SAFETY: the kernel checks the address, and makes zeros of what cannot be read; the helper writes to the place alone.
    unsafe {
        let number = match size_of::<T>() {
            1 => read!("u8", 1, address, place),
            2 => read!("u16", 2, address, place),
            4 => read!("u32", 4, address, place),
            8 => read!("u64", 8, address, place),
            bytes => {
                bpf_probe_read_kernel(place.cast(), bytes as u32, address as *const _);
                return value.assume_init();
            }
        };
        // This machine has its lowest byte first.
        (&raw const number).cast::<T>().read()
    }
}

/// Reads a word of the program's memory; 0 where there is none.
#[inline(always)]
pub(crate) fn user_word(address: u64) -> u64 {
    let mut value = 0_u64;
    // SAFETY: as above.
    unsafe { bpf_probe_read_user((&raw mut value).cast(), 8, address as *const _) };
    value
}

/// The table of descriptors of the current task.
#[inline(always)]
pub(crate) fn files() -> u64 {
    field(current(), offset!(task_files))
}

/// The current task, asked for once by what has to be fast.
#[derive(Clone, Copy)]
pub(crate) struct Task(u64);

impl Task {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        if has!(typed_task) {
            // SAFETY: the helper has no requirements.
            Self(unsafe { bpf_get_current_task_btf() } as u64)
        } else {
            Self(current())
        }
    }

    /// Reads a field, without a helper where the kernel allows that.
    #[inline(always)]
    pub(crate) fn field<T: Copy>(self, offset: usize) -> T {
        if !has!(typed_task) {
            return field(self.0, offset);
        }
        // SAFETY: the verifier knows the type of the task.
        unsafe { ((self.0 as usize + offset) as *const T).read_volatile() }
    }

    /// The id of its process.
    #[inline(always)]
    pub(crate) fn process_id(self) -> u32 {
        if has!(typed_task) || has!(loads) {
            self.field(offset!(task_tgid))
        } else {
            (bpf_get_current_pid_tgid() >> 32) as u32
        }
    }
}

/// Returns the open file of a descriptor of the current task, or 0.
#[inline(always)]
pub(crate) fn file_of(fd: u32) -> u64 {
    file_in(files(), fd)
}

/// Returns the open file of a descriptor in a table, or 0.
#[inline(always)]
pub(crate) fn file_in(files: u64, fd: u32) -> u64 {
    let table: u64 = field(files, offset!(files_fdt));
    let max: u32 = field(table, offset!(fdt_max));
    if table == 0 || fd >= max {
        return 0;
    }
    let array: u64 = field(table, offset!(fdt_fd));
    field(array, fd as usize * 8)
}

/// Returns where in a `struct pid` its number in a namespace of that depth is.
#[inline(always)]
pub(crate) fn upid(level: u32) -> usize {
    /// Bytes of struct upid.
    const UPID: usize = 16;
    /// MAX_PID_NS_LEVEL.
    const DEEPEST: u32 = 32;
    offset!(pid_numbers) + if level > DEEPEST { 0 } else { level as usize * UPID }
}

/// Returns the number of a `struct pid` in the namespace of that depth that it is in.
#[inline(always)]
pub(crate) fn number_of(pid: u64, level: u32) -> u32 {
    field(pid, upid(level))
}

/// Returns the `struct pid` of the process of a task: its place behind that of the task's own.
#[inline(always)]
pub(crate) fn process_of(task: u64) -> u64 {
    let signal: u64 = field(task, offset!(task_signal));
    // PIDTYPE_TGID (include/linux/pid_types.h).
    field(signal, offset!(signal_pids) + 8)
}

/// Returns the numbers of the current process and thread.
#[inline(always)]
pub(crate) fn current_numbers(level: u32) -> (u32, u32) {
    let task = current();
    (number_of(process_of(task), level), number_of(field(task, offset!(task_thread_pid)), level))
}

/// The current task.
#[inline(always)]
pub(crate) fn current() -> u64 {
    // SAFETY: the helper has no requirements.
    unsafe { bpf_get_current_task() }
}

/// The memory of the current task.
#[inline(always)]
pub(crate) fn own_memory() -> u64 {
    field(current(), offset!(task_mm))
}

/// Returns the place of the value of a map, by the number that stands in for it. Unsafe, as what is done with it.
macro_rules! value_of {
    ($number:expr) => {{
        let place: u64;
        core::arch::asm!(
            "{place} = {number} ll",
            place = out(reg) place,
            number = const $number,
            options(pure, nomem, nostack),
        );
        place as *mut u8
    }};
}
pub(crate) use value_of;
