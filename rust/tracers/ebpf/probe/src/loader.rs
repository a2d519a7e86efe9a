//! The loader of a program: the kernel has mapped it beside the program, and says to it where (fs/binfmt_elf.c, `load_elf_binary`).

use tracer_ebpf_abi::{Kind, NO_FIELD, loader};

use crate::events::{begin, emit, fill_file, scratch};
use crate::kernel::{current, field, offset, own_memory, times};
use crate::paths;

/// Where the loader was mapped, in the list of numbers that a program is given (include/uapi/linux/auxvec.h).
const AT_BASE: u64 = 7;

/// Entries of that list that are looked at, and bytes of one: that one is among the first dozen.
const ENTRIES: u64 = 24;
const ENTRY: usize = 16;

/// Mappings that are looked at where the kernel has a list of them: a new program has a dozen.
const MAPPINGS: u64 = 64;

/// The tree that it has since Linux 6.1 (include/linux/maple_tree.h): levels that are looked at, and of the address of a node the bits that
/// say its type.
const LEVELS: u64 = 4;
const TYPE_BITS: u64 = 0xff;
const TYPE_SHIFT: u64 = 3;
const TYPE: u64 = 0xf;

/// Types of nodes, and how many numbers they have.
const LEAF: u64 = 1;
const RANGE: u64 = 2;
const ALLOCATED: u64 = 3;
const RANGE_PIVOTS: u64 = 15;
const ALLOCATED_PIVOTS: u64 = 9;

/// Tells which file is the loader of the program that begins, and the root directory from which names are looked for.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn tell_loader(id: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::Loader as u16, -1);
    let memory = own_memory();
    let base = base_of(memory);
    scratch.head.value = loader::UNKNOWN;
    if base == 0 {
        scratch.head.value = loader::NONE;
    } else if base != UNTOLD {
        let mapping = if offset!(mapping_next) as u32 == NO_FIELD {
            in_tree(field(memory, offset!(mm_tree)), base)
        } else {
            in_list(field(memory, offset!(mm_list)), base)
        };
        let file: u64 = if holds(mapping, base) { field(mapping, offset!(mapping_file)) } else { 0 };
        if file != 0 {
            scratch.head.value = loader::TOLD;
            fill_file(file);
        }
    }
    let fs: u64 = field(current(), offset!(task_fs));
    paths::walk_second(field(fs, offset!(fs_root_dentry)), field(fs, offset!(fs_root_mnt)));
    emit()
}

/// In place of an address: there is none in the list, as where its numbers have 32 bits.
const UNTOLD: u64 = 1;

/// Returns where the loader was mapped; 0: there is none.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn base_of(memory: u64) -> u64 {
    let list = memory + offset!(mm_auxv) as u64;
    for at in times(ENTRIES) {
        let entry = at as usize * ENTRY;
        if field::<u64>(list, entry) == AT_BASE {
            return field(list, entry + 8);
        }
    }
    UNTOLD
}

fn holds(mapping: u64, address: u64) -> bool {
    let start: u64 = field(mapping, offset!(mapping_start));
    let end: u64 = field(mapping, offset!(mapping_end));
    start <= address && address < end
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn in_list(first: u64, address: u64) -> u64 {
    let mut mapping = first;
    for _ in times(MAPPINGS) {
        if mapping == 0 || holds(mapping, address) {
            break;
        }
        mapping = field(mapping, offset!(mapping_next));
    }
    mapping
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn in_tree(root: u64, address: u64) -> u64 {
    let mut entry = root;
    for _ in times(LEVELS) {
        let kind = (entry >> TYPE_SHIFT) & TYPE;
        let node = entry & !TYPE_BITS;
        let (pivots, slots, count) = match kind {
            LEAF | RANGE => (offset!(range_pivots), offset!(range_slots), RANGE_PIVOTS),
            ALLOCATED => (offset!(allocated_pivots), offset!(allocated_slots), ALLOCATED_PIVOTS),
            _ => return 0,
        };
        // Each number is the last address of a slot; behind those that are used there are zeros.
        let mut slot = 0;
        for at in times(RANGE_PIVOTS) {
            let last: u64 = field(node, pivots + at as usize * 8);
            if at >= count || last >= address || (last == 0 && at > 0) {
                break;
            }
            slot = at + 1;
        }
        entry = field(node, slots + slot as usize * 8);
        if kind == LEAF {
            return entry;
        }
    }
    0
}
