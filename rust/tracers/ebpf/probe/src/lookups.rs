//! Paths at which calls find nothing.

use aya_ebpf::btf_maps::LruHashMap;
use aya_ebpf::macros::btf_map;
use tracer_ebpf_abi::{Kind, act};

use crate::events::scratch;
use crate::kernel::times;
use crate::names::{IS_LATE, find, found, measure, read_path, skip_slashes, start, tell};
use crate::{Regs, arg, directory_of, kernel};

/// What a call returns that finds nothing.
pub(crate) const ENOENT: i64 = -2;

/// What tells a path at which nothing is from others: where it was left, the name that is missing, and the hashes of two names behind it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Missing {
    parent: u64,
    names: [u64; 3],
}

/// Paths that were told: whoever waits for a file asks for it a million times.
#[btf_map(name = "missing")]
static MISSING: LruHashMap<Missing, u8, 8192> = LruHashMap::new();

/// A path as it was given, by its hash, and where it starts from. To follow one takes some microseconds, more in directories of many entries,
/// and the dynamic linker of each program asks for the same hundred.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Text {
    start: [u64; 2],
    hash: u64,
}

/// Those of paths that were told.
#[btf_map(name = "texts")]
static TEXTS: LruHashMap<Text, u8, 8192> = LruHashMap::new();

/// Longest path that has a hash, in words of 8 bytes.
const HASHED_WORDS: u64 = 32;

/// Returns the hash of so many bytes of the path that was given; 0: it has none.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn hash_given(len: u32) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let Some(scratch) = scratch() else { return 0 };
    if u64::from(len) > HASHED_WORDS * 8 {
        return 0;
    }
    let given = (&raw const scratch.given).cast::<u64>();
    let mut hash = u64::from(len);
    for index in times(HASHED_WORDS) {
        let before = index as u32 * 8;
        if before >= len {
            break;
        }
        // SAFETY: the array is longer than the words that are hashed.
        let mut word = unsafe { given.add(index as usize).read_unaligned() };
        if len - before < 8 {
            word &= (1 << ((len - before) * 8)) - 1;
        }
        hash = (hash ^ word).wrapping_mul(FACTOR);
        hash ^= hash >> 32;
    }
    hash
}

/// Returns whether a call of that act has looked for a path, and may have found nothing.
#[inline(always)]
pub(crate) fn looks(act: u8) -> bool {
    matches!(act, act::LOOK | act::OPEN | act::OPEN_HOW)
}

/// Such a call has found nothing. `flags`, `path` and `dir` are the positions of these.
#[inline(always)]
pub(crate) fn found_nothing(id: u64, regs: Regs, rows: usize, act: u8, [flags, path, dir]: [u8; 3]) -> i32 {
    /// What it would have made is nothing that it has looked for.
    const O_CREAT: u64 = 0o100;
    let Some(scratch) = scratch() else { return 0 };
    regs.load(scratch, rows);
    let flags = match act {
        act::LOOK => 0,
        act::OPEN => arg(scratch, flags),
        _ => kernel::user_word(arg(scratch, flags)),
    };
    if flags & O_CREAT == 0 {
        absent(id, directory_of(scratch, dir), arg(scratch, path));
    }
    0
}

/// Tells that nothing is at a path, links followed. No function of its own: a path is followed as deep as the kernel lets functions call
/// one another.
#[inline(always)]
fn absent(id: u64, dir: u32, pointer: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.follows = 1;
    scratch.key = 0;
    let len = read_path(pointer, 0);
    if len <= 0 {
        return 0;
    }
    let hash = hash_given(len as u32);
    start(dir);
    scratch.asked = Text { start: [scratch.dentry, scratch.mount], hash };
    if hash != 0 && TEXTS.get_ptr(&scratch.asked).is_some() {
        return 0;
    }
    let state = find(dir, pointer, 0);
    // It may be there by now, or in what the kernel makes up.
    let is_of_interest = matches!(state, found::NO_FILE | found::COLD | found::UNKNOWN);
    if !is_of_interest || scratch.given[0] == 0 || scratch.by_entry != 0 || scratch.task != 0 {
        return 0;
    }
    // Not on the stack: before Linux 5.13 the kernel allows functions within each other 512 bytes, rounded up for each.
    let missing = &mut scratch.missing;
    *missing = Missing { parent: scratch.parent, names: [scratch.hash_len, 0, 0] };
    if state == found::UNKNOWN {
        // SAFETY: in the map.
        let at = unsafe { (&raw const scratch.at).read_volatile() };
        let second = measure(at, missing.parent);
        let behind = skip_slashes(at + ((second >> 32) as u32 & 0xff));
        missing.names[1] = second;
        missing.names[2] = measure(behind, missing.parent);
    }
    if hash != 0 {
        let _full = TEXTS.insert(&scratch.asked, &1, 0);
    }
    let missing = &mut scratch.missing;
    if MISSING.get_ptr(&*missing).is_some() {
        return 0;
    }
    let _full = MISSING.insert(&*missing, &1, 0);
    tell(id, IS_LATE | (Kind::Absent as u64) << 32, dir, pointer, 0)
}
