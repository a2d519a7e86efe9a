//! Events on their way to the user side.

use core::ffi::c_void;

use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::btf_maps::{Array, PerCpuArray, RingBuf};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::helpers::generated::{bpf_ringbuf_output, bpf_ringbuf_query};
use aya_ebpf::macros::btf_map;
use tracer_ebpf_abi::{GIVEN_BYTES, Head, NAMELESS, Stamp, TEXT_BYTES};

use crate::kernel::{self, field, offset};
use crate::lookups::{Missing, Text};
use crate::paths;

/// The ring; the user side says how long it is.
#[btf_map(name = "ring")]
static RING: RingBuf<u64, { 1 << 24 }> = RingBuf::new();

/// Readers are woken when more bytes than this wait in the ring; the user side sets it.
#[unsafe(no_mangle)]
static WAKE_BYTES: u64 = 0;

/// And at most this often.
const WAKE_NS: u64 = 1_000_000;

/// When they were woken.
#[btf_map(name = "woken")]
static WOKEN: Array<u64, 1> = Array::new();

/// Events for which there was no room.
#[btf_map(name = "lost")]
static LOST: PerCpuArray<u64, 1> = PerCpuArray::new();

/// An event that is being made. Programs do not interrupt each other on one processor.
#[btf_map(name = "scratch")]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Scratch {
    pub(crate) head: Head,
    pub(crate) text: [u8; TEXT_BYTES],
    /// Bytes of the text so far. In memory, and read anew each time: the verifier would follow each of its values.
    pub(crate) len: u32,
    /// The place in `given` that is looked at.
    pub(crate) at: u32,
    /// Where a look through a directory goes on.
    pub(crate) cursor: u64,
    /// Where the way up from a file has come to.
    pub(crate) climb: paths::Climb,
    /// What a path has led to so far.
    pub(crate) dentry: u64,
    pub(crate) mount: u64,
    /// The directory of the last name, and that name: where it begins in `given`, and its length.
    pub(crate) parent: u64,
    pub(crate) parent_mount: u64,
    pub(crate) name_at: u32,
    pub(crate) name_len: u32,
    /// 1: a link that is the last name is followed.
    pub(crate) follows: u32,
    /// Links that were followed.
    pub(crate) links: u32,
    /// 1: what a path has led to has no directory and name of its own here: its path is that of its entry.
    pub(crate) by_entry: u32,
    /// What the hash of a name is made of, so far.
    pub(crate) hash: [u64; 2],
    /// What the directory entry of the last name has as its hash and length.
    pub(crate) hash_len: u64,
    /// The process that a path through /proc is about, or 0; and what of it (`proc`).
    pub(crate) task: u64,
    pub(crate) place: u32,
    /// [`Head::memory`] of events about paths.
    pub(crate) key: u64,
    /// The path at which nothing was found.
    pub(crate) missing: Missing,
    /// The same as it was given.
    pub(crate) asked: Text,
    /// The arguments of the call, and zeros for those that it has not.
    pub(crate) args: [u64; 8],
    /// A path as the program gave it; room for words read beyond its end.
    pub(crate) given: [u8; GIVEN_BYTES + 512],
}

#[inline(always)]
pub(crate) fn scratch() -> Option<&'static mut Scratch> {
    // SAFETY: nobody else uses this processor's.
    SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
}

/// Returns an address as a number: the verifier lets functions of their own have no pointers of the tracepoint's.
#[inline(always)]
pub(crate) fn as_number(address: u64) -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    let place = &raw mut scratch.cursor;
    // SAFETY: in the map.
    unsafe {
        place.write_volatile(address);
        place.read_volatile()
    }
}

/// Begins an event.
#[inline(always)]
pub(crate) fn begin(scratch: &mut Scratch, id: u64, kind: u16, fd: i32) {
    let head = &mut scratch.head;
    // SAFETY: the helper has no requirements.
    head.time_ns = unsafe { bpf_ktime_get_ns() };
    let level = crate::level();
    (head.pid, head.tid) =
        if level == 0 { ((id >> 32) as u32, id as u32) } else { kernel::current_numbers(level) };
    head.kind = kind;
    head.flags = 0;
    head.fd = fd;
    head.value = 0;
    head.value2 = 0;
    head.bytes = 0;
    head.memory = 0;
    head.magic = 0;
    head.lens = [0, 0];
    head.stamp = Stamp::default();
    scratch.len = 0;
}

/// Puts an inode into the event.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn fill_inode(inode: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    let sb: u64 = field(inode, offset!(inode_sb));
    let ns = |seconds: i64, rest: u32| {
        seconds.wrapping_mul(1_000_000_000).wrapping_add(i64::from(rest & 0x3fff_ffff))
    };
    scratch.head.magic = field(sb, offset!(sb_magic));
    scratch.head.stamp = Stamp {
        dev: u64::from(field::<u32>(sb, offset!(sb_dev))),
        ino: field(inode, offset!(inode_ino)),
        size: field(inode, offset!(inode_size)),
        mtime_ns: ns(field(inode, offset!(inode_mtime)), field(inode, offset!(inode_mtime_ns))),
        ctime_ns: ns(field(inode, offset!(inode_ctime)), field(inode, offset!(inode_ctime_ns))),
        mode: u32::from(field::<u16>(inode, offset!(inode_mode))),
        nlink: field(inode, offset!(inode_nlink)),
    };
    0
}

/// Puts an open file into the event, and its path as the first text.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn fill_file(file: u64) -> u32 {
    fill_inode(field(file, offset!(file_inode)));
    let dentry: u64 = field(file, offset!(file_dentry));
    paths::walk(dentry, field(file, offset!(file_mnt)));
    let Some(scratch) = scratch() else { return 0 };
    if field::<u64>(dentry, offset!(dentry_unhashed)) == 0 {
        scratch.head.flags |= NAMELESS;
    }
    0
}

/// Hands the event over.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn emit() -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    // SAFETY: in the map.
    let len = unsafe { (&raw const scratch.len).read_volatile() };
    let len = if len > TEXT_BYTES as u32 { TEXT_BYTES as u32 } else { len };
    let bytes = size_of::<Head>() as u64 + u64::from(len);
    let Some(woken_ns) = WOKEN.get_ptr_mut(0) else { return 0 };
    // SAFETY: the helper takes a map.
    let filled = unsafe { bpf_ringbuf_query(map(&RING), u64::from(BPF_RB_AVAIL_DATA)) };
    let mut how = u64::from(BPF_RB_NO_WAKEUP);
    // SAFETY: a static, volatile since what is in it is not what was compiled; and a number in a map, which others may write at the
    // same time: that costs a wake-up more or less.
    unsafe {
        if filled > (&raw const WAKE_BYTES).read_volatile()
            && scratch.head.time_ns.wrapping_sub(woken_ns.read_volatile()) > WAKE_NS
        {
            woken_ns.write_volatile(scratch.head.time_ns);
            how = u64::from(BPF_RB_FORCE_WAKEUP);
        }
    }
    // SAFETY: the verifier checks that it is within the scratch.
    let refused = unsafe { bpf_ringbuf_output(map(&RING), (&raw mut *scratch).cast::<c_void>(), bytes, how) };
    if refused != 0
        && let Some(lost) = LOST.get_ptr_mut(0)
    {
        // SAFETY: this processor's.
        unsafe { *lost += 1 };
    }
    0
}

/// The address by which helpers know a map.
#[inline(always)]
pub(crate) fn map<T>(map: &'static T) -> *mut c_void {
    (&raw const *map).cast_mut().cast()
}
