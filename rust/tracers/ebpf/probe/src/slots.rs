//! What was told of each descriptor, so that it is told once.

use aya_ebpf::btf_maps::Array;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_map;
use tracer_ebpf_abi::{CREATED, Kind, NO_FILE, SLOTS, Slot, TOLD_READ, TOLD_WRITE, UNCOUNTED, stand_in};

use crate::events::{begin, emit, fill_file, scratch};
use crate::kernel::{
    FMODE_CREATED, FMODE_PATH, FMODE_READ, FMODE_WRITE, S_IFDIR, S_IFMT, S_IFREG, field, file_of, files,
    offset, value_of,
};
use crate::{SHARES, mark_of};

/// A descriptor has one place, which others share: a collision costs that something is told again.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Table {
    slots: [Slot; SLOTS],
}

#[btf_map(name = "slots")]
pub(crate) static TABLE: Array<Table, 1> = Array::new();

#[inline(always)]
fn slot(pid: u32, fd: u32) -> &'static mut Slot {
    let key =
        pid.wrapping_mul(64).wrapping_add(fd).wrapping_mul(2_654_435_761) >> (32 - SLOTS.trailing_zeros());
    // SAFETY: within the table. Others may write to it at the same time; what is lost by that is told again.
    unsafe { &mut *value_of!(stand_in::SLOTS).cast::<Slot>().add(key as usize) }
}

#[inline(always)]
fn tag(pid: u32, mark: u8) -> u64 {
    u64::from(pid) | u64::from(mark) << 32
}

/// Bytes were read (`side` 0) or written (1).
#[inline(always)]
pub(crate) fn transfer(pid: u32, mark: u8, files: u64, fd: u32, bytes: u64, side: u32) {
    let slot = slot(pid, fd);
    let bit = TOLD_READ << side;
    if slot.files == files
        && slot.fd == fd
        && slot.tag == tag(pid, mark)
        && mark & SHARES == 0
        && slot.flags & (bit | NO_FILE) != 0
    {
        count(slot, side, bytes);
        return;
    }
    first(bpf_get_current_pid_tgid(), fd, bytes, side);
}

/// Adds to what a slot counts. Threads on other processors do the same.
#[inline(always)]
fn count(slot: &mut Slot, side: u32, bytes: u64) {
    let counter = if side == 0 { &raw mut slot.bytes[0] } else { &raw mut slot.bytes[1] };
    // SAFETY: in the map, and aligned. The library for this machine has no atomic additions.
    unsafe {
        core::arch::asm!("lock *(u64 *)({counter} + 0) += {bytes}", counter = in(reg) counter, bytes = in(reg) bytes);
    }
}

/// The first read or write through a descriptor.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn first(id: u64, fd: u32, bytes: u64, side: u32) -> u32 {
    // A write of no byte is none (docs/observation-model.md): the first is still to come.
    if side != 0 && bytes == 0 {
        return 0;
    }
    let file = file_of(fd);
    if file == 0 {
        return 0;
    }
    let slot = slot((id >> 32) as u32, fd);
    let pid = (id >> 32) as u32;
    let tag = tag(pid, mark_of(pid));
    let files = files();
    let inode: u64 = field(file, offset!(file_inode));
    // Another process that shares the descriptors may have closed it and opened it anew.
    let ino: u64 = field(inode, offset!(inode_ino));
    if slot.files != files || slot.tag != tag || slot.fd != fd || slot.file != file || slot.ino != ino {
        flush(slot);
        slot.files = files;
        slot.tag = tag;
        slot.fd = fd;
        slot.flags = 0;
        slot.file = file;
        slot.ino = ino;
        let sb: u64 = field(inode, offset!(inode_sb));
        slot.dev = u64::from(field::<u32>(sb, offset!(sb_dev)));
    }
    let bit = if side == 0 { TOLD_READ } else { TOLD_WRITE };
    let kind = match u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT {
        S_IFREG if slot.flags & bit != 0 => {
            count(slot, side, bytes);
            return 0;
        }
        S_IFREG => {
            slot.flags |= bit;
            if side == 0 { Kind::Read } else { Kind::Write }
        }
        // What is read of a directory are its names (getdents64(2)).
        S_IFDIR if slot.flags & NO_FILE == 0 => {
            slot.flags = NO_FILE;
            Kind::Listed
        }
        _ => {
            slot.flags = NO_FILE;
            return 0;
        }
    };
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, fd as i32);
    scratch.head.value = bytes;
    fill_file(file);
    emit()
}

/// Bytes were read or written, or will be, and how many is not known: told each time.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn uncounted(id: u64, fd: u32, side: u32) -> u32 {
    let file = file_of(fd);
    if file == 0 {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    let (kind, needed) = if side == 0 { (Kind::Read, FMODE_READ) } else { (Kind::Write, FMODE_WRITE) };
    if field::<u32>(file, offset!(file_mode)) & needed == 0 {
        return 0;
    }
    begin(scratch, id, kind as u16, fd as i32);
    scratch.head.value = UNCOUNTED;
    fill_file(file);
    emit()
}

/// Something was done to a file without a descriptor: told each time.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn by_file(id: u64, kind: u32, file: u64, value: u64) -> u32 {
    if file == 0 {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, -1);
    scratch.head.value = value;
    fill_file(file);
    emit()
}

/// Tells what a slot has counted, of the process that it is of.
#[inline(always)]
fn flush(slot: &mut Slot) {
    let pid = slot.tag & 0xffff_ffff;
    let id = pid << 32 | pid;
    let [read, written] = slot.bytes;
    if read != 0 {
        count(slot, 0, read.wrapping_neg());
        more(id, Kind::MoreRead as u32, read, slot.dev, slot.ino);
    }
    if written != 0 {
        count(slot, 1, written.wrapping_neg());
        more(id, Kind::MoreWrite as u32, written, slot.dev, slot.ino);
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn more(id: u64, kind: u32, bytes: u64, dev: u64, ino: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, kind as u16, -1);
    scratch.head.value = bytes;
    scratch.head.stamp.dev = dev;
    scratch.head.stamp.ino = ino;
    emit()
}

/// Forgets what was told of a descriptor.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn forget(id: u64, fd: u32) -> u32 {
    let slot = slot((id >> 32) as u32, fd);
    if slot.files == files() && slot.fd == fd {
        flush(slot);
        slot.files = 0;
        slot.flags = 0;
    }
    0
}

/// A descriptor was opened.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn opened(id: u64, fd: u32, flags: u64) -> u32 {
    /// O_CREAT, O_TRUNC, O_TMPFILE; and O_WRONLY and O_RDWR: what is written is told afterwards, and what the file was before is known from here.
    /// Others do nothing by themselves.
    const EFFECTIVE: u64 = 0o100 | 0o1000 | 0o20_000_000 | 0o3;
    forget(id, fd);
    if flags & EFFECTIVE == 0 {
        return 0;
    }
    let file = file_of(fd);
    if file == 0 {
        return 0;
    }
    let mode: u32 = field(file, offset!(file_mode));
    let inode: u64 = field(file, offset!(file_inode));
    if mode & FMODE_PATH != 0 || u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT != S_IFREG {
        return 0;
    }
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Open as u16, fd as i32);
    scratch.head.value = flags;
    if mode & FMODE_CREATED != 0 {
        scratch.head.flags |= CREATED;
    }
    fill_file(file);
    emit()
}
