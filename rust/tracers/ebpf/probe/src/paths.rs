//! Paths, from the kernel's own directory entries, at the moment of the call.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user};
use tracer_ebpf_abi::{CUT, TEXT_BYTES};

use crate::events::scratch;
use crate::kernel::{field, offset, times};

/// Longest name with its NUL (NAME_MAX).
const NAME_BYTES: u32 = 256;

/// Steps up a path in one go, and how often: the deepest path that is followed, mounts included. The verifier follows as many steps as
/// the two have together, not as their product.
const STEPS: u32 = 8;
const ROUNDS: u64 = 16;

/// Longest argument list that is told.
const ARGUMENT_BYTES: u32 = 4096;

/// Adds the path of a directory entry to the text, as a text of its own.
#[inline(always)]
pub(crate) fn walk(dentry: u64, vfsmount: u64) {
    if let Some(scratch) = scratch() {
        // SAFETY: in the map.
        let start = unsafe { (&raw const scratch.len).read_volatile() };
        add(dentry, vfsmount);
        // SAFETY: in the map.
        let end = unsafe { (&raw const scratch.len).read_volatile() };
        scratch.head.lens[usize::from(start != 0)] = end - start;
    }
}

/// Adds the path of a directory entry as the second text, be the first one empty.
#[inline(always)]
pub(crate) fn walk_second(dentry: u64, vfsmount: u64) {
    if let Some(scratch) = scratch() {
        // SAFETY: in the map.
        let start = unsafe { (&raw const scratch.len).read_volatile() };
        add(dentry, vfsmount);
        // SAFETY: in the map.
        scratch.head.lens[1] = unsafe { (&raw const scratch.len).read_volatile() } - start;
    }
}

/// Adds the path of a directory to the name that is there.
#[inline(always)]
pub(crate) fn walk_on(dentry: u64, vfsmount: u64) {
    if let Some(scratch) = scratch() {
        add(dentry, vfsmount);
        // SAFETY: in the map.
        scratch.head.lens[0] = unsafe { (&raw const scratch.len).read_volatile() };
    }
}

/// Adds the names from a directory entry up to the root of its mount namespace.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn add(dentry: u64, vfsmount: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.climb = Climb {
        at: dentry,
        mount: vfsmount - offset!(mount_mnt) as u64,
        root: field(vfsmount, offset!(vfsmnt_root)),
    };
    let mut end = MORE;
    for _ in times(ROUNDS) {
        end = climb();
        if end != MORE {
            break;
        }
    }
    if end != WHOLE {
        scratch.head.flags |= CUT;
    }
    0
}

/// Where a way up has come to.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Climb {
    at: u64,
    mount: u64,
    /// The entry at which the mount ends.
    root: u64,
}

/// How a part of a way up has ended.
const MORE: u32 = 0;
const WHOLE: u32 = 1;
const BROKEN: u32 = 2;

/// Goes a part of the way up.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn climb() -> u32 {
    let Some(scratch) = scratch() else { return BROKEN };
    let len = &raw mut scratch.len;
    let Climb { mut at, mut mount, mut root } = scratch.climb;
    for _ in 0..STEPS {
        if at == root {
            let above: u64 = field(mount, offset!(mount_parent));
            if above == mount || above == 0 {
                return WHOLE;
            }
            at = field(mount, offset!(mount_mountpoint));
            mount = above;
            root = field(mount, offset!(mount_mnt) + offset!(vfsmnt_root));
            continue;
        }
        let above: u64 = field(at, offset!(dentry_parent));
        if above == at || above == 0 {
            return WHOLE;
        }
        // SAFETY: in the map, as below.
        let used = unsafe { len.read_volatile() };
        if used > TEXT_BYTES as u32 - NAME_BYTES {
            return BROKEN;
        }
        let name: u64 = field(at, offset!(dentry_name));
        // SAFETY: there is room for the longest name.
        let read = unsafe {
            bpf_probe_read_kernel_str(
                (&raw mut scratch.text).cast::<u8>().add(used as usize).cast(),
                NAME_BYTES,
                name as *const _,
            )
        };
        if read <= 0 {
            return BROKEN;
        }
        // SAFETY: see above.
        unsafe { len.write_volatile(used + read as u32) };
        at = above;
    }
    scratch.climb = Climb { at, mount, root };
    MORE
}

/// Adds bytes of the program's memory as the second text.
#[inline(always)]
pub(crate) fn add_user_bytes(start: u64, bytes: u64) {
    let Some(scratch) = scratch() else { return };
    let len = &raw mut scratch.len;
    // SAFETY: in the map.
    let used = unsafe { len.read_volatile() };
    if used > TEXT_BYTES as u32 - ARGUMENT_BYTES {
        return;
    }
    let count = if bytes > u64::from(ARGUMENT_BYTES) { ARGUMENT_BYTES } else { bytes as u32 };
    // SAFETY: there is room.
    let failed = unsafe {
        bpf_probe_read_user(
            (&raw mut scratch.text).cast::<u8>().add(used as usize).cast(),
            count,
            start as *const _,
        )
    };
    if failed == 0 {
        // SAFETY: in the map.
        unsafe { len.write_volatile(used + count) };
        scratch.head.lens[1] = count;
    }
}
