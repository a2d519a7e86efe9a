//! Paths, from the kernel's own directory entries, at the moment of the call.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user};
use tracer_ebpf_abi::{CUT, TEXT_BYTES};

use crate::events::scratch;
use crate::kernel::{OFFSETS, field, offset};

/// Longest name with its NUL (NAME_MAX).
const NAME_BYTES: u32 = 256;

/// Deepest path that is followed, mounts included.
const DEPTH: u32 = 128;

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
    let len = &raw mut scratch.len;
    let mut at = dentry;
    let mut mount = vfsmount - offset!(mount_mnt) as u64;
    let mut root: u64 = field(vfsmount, offset!(vfsmnt_root));
    let mut is_whole = false;
    for _ in 0..DEPTH {
        if at == root {
            let above: u64 = field(mount, offset!(mount_parent));
            if above == mount || above == 0 {
                is_whole = true;
                break;
            }
            at = field(mount, offset!(mount_mountpoint));
            mount = above;
            root = field(mount, offset!(mount_mnt) + offset!(vfsmnt_root));
            continue;
        }
        let above: u64 = field(at, offset!(dentry_parent));
        if above == at || above == 0 {
            is_whole = true;
            break;
        }
        // SAFETY: in the map, as below.
        let used = unsafe { len.read_volatile() };
        if used > TEXT_BYTES as u32 - NAME_BYTES {
            break;
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
            break;
        }
        // SAFETY: see above.
        unsafe { len.write_volatile(used + read as u32) };
        at = above;
    }
    if !is_whole {
        scratch.head.flags |= CUT;
    }
    0
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
