//! What a path that a program gives names, found as the kernel finds it, among the directory entries that it has in memory
//! (fs/namei.c, fs/dcache.c): programs of this kind may not ask it to look.
//!
//! A name that is not in memory is not found before the call, and looked for again when it is over.

use core::hint::black_box;

use aya_ebpf::btf_maps::LruHashMap;
use aya_ebpf::helpers::generated::{
    bpf_probe_read_kernel, bpf_probe_read_kernel_str, bpf_probe_read_user_str,
};
use aya_ebpf::macros::btf_map;
use tracer_ebpf_abi::{ABSENT, AS_GIVEN, COLD, GIVEN_BYTES, Kind, LATE, NAMELESS, UNKNOWN};

use crate::events::{begin, emit, fill_inode, scratch};
use crate::kernel::{S_IFLNK, S_IFMT, field, file_of, offset, times};
use crate::{kernel, paths, proc};

/// AT_FDCWD.
pub(crate) const CWD: u32 = -100_i32 as u32;

/// Names of a path that are followed.
const NAMES: u64 = 64;

/// Links on the way that are followed; the kernel follows 40.
const LINKS: u32 = 16;

/// Longest name.
const NAME_BYTES: u32 = 255;

/// Entries of a list that are looked at in one go, and how often that is done, and that in turn: 8192 of a directory, 256 mounts below one.
/// Loops within loops of functions of their own are verified each by itself, so that the verifier follows the sum of their rounds.
const ENTRIES: u32 = 8;
const ROUNDS: u64 = 32;

/// How a look ended.
pub(crate) mod found {
    pub(crate) const FILE: u32 = 0;
    /// The last name is none, as far as is in memory.
    pub(crate) const NO_FILE: u32 = 1;
    /// It leads where this cannot follow.
    pub(crate) const UNKNOWN: u32 = 2;
    /// The last name is not in memory.
    pub(crate) const COLD: u32 = 4;
    /// The program's memory could not be read now.
    pub(crate) const UNREAD: u32 = 5;
}

/// In `what` of [`tell`]: the call was made already.
pub(crate) const IS_LATE: u64 = 1 << 48;
/// The text of the path is in the kernel's memory.
const IS_KERNELS: u64 = 1 << 49;

/// A call on paths that is under way.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// The row of its kind's table.
    pub(crate) number: u64,
    /// The argument that decides what it does.
    pub(crate) extra: u64,
    /// [`Head::memory`](tracer_ebpf_abi::Head): the request of an io_uring.
    pub(crate) key: u64,
    /// Pointers to the paths; 0: none.
    pub(crate) pointers: [u64; 2],
    /// The directories that they are relative to.
    pub(crate) dirs: [u32; 2],
    /// What is not known of it: constants of [`open`].
    pub(crate) open: u32,
    pub(crate) padding: u32,
}

/// What is not known of the paths of a call when it has begun.
pub(crate) mod open {
    pub(crate) const FIRST: u32 = 1;
    pub(crate) const SECOND: u32 = 2;
    /// Whether there is a file of the last name.
    pub(crate) const COLD: u32 = 4;
    /// The program's memory could not be read.
    pub(crate) const UNREAD: u32 = 8;
}

/// Calls of whose paths something is not known yet, by thread.
#[btf_map(name = "waiting")]
pub(crate) static WAITING: LruHashMap<u32, Asked, 4096> = LruHashMap::new();

/// Where a name stands: the entry of its directory, and what its own has as its hash and length.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) parent: u64,
    pub(crate) hash_len: u64,
}

/// Where the last path of a request of an io_uring leads.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Requested {
    pub(crate) number: u64,
    pub(crate) mount: u64,
    pub(crate) place: Place,
}

/// Requests of io_urings on paths, by their addresses.
#[btf_map(name = "requests")]
pub(crate) static REQUESTED: LruHashMap<u64, Requested, 4096> = LruHashMap::new();

/// Requests of io_urings whose last name was not in memory when they were handed over, by that name.
#[btf_map(name = "cold")]
pub(crate) static COLD_REQUESTS: LruHashMap<Place, u64, 1024> = LruHashMap::new();

/// Tells what the paths of a call that begins name, and remembers it if there is more to find out.
#[inline(always)]
pub(crate) fn ask(id: u64, asked: &Asked) {
    let Some(scratch) = scratch() else { return };
    let mut asked = *asked;
    let how = asked.number | if asked.key == 0 { 0 } else { IS_KERNELS };
    scratch.follows = 0;
    scratch.key = asked.key;
    let first = tell(id, how | (Kind::Before as u64) << 32, asked.dirs[0], asked.pointers[0], asked.extra);
    let mut left = unknown(first, open::FIRST);
    if asked.pointers[1] != 0 {
        let kind = (Kind::BeforeSecond as u64) << 32;
        left |= unknown(tell(id, how | kind, asked.dirs[1], asked.pointers[1], asked.extra), open::SECOND);
    }
    asked.open = left;
    if asked.key != 0 {
        // The kernel's text of the paths is gone when the request is done: what could not be followed now never can, which is told then.
        let place = Place { parent: scratch.parent, hash_len: scratch.hash_len };
        if left & !open::COLD == 0 {
            let requested = Requested { number: asked.number, mount: scratch.parent_mount, place };
            let _full = REQUESTED.insert(&asked.key, &requested, 0);
        }
        if left == open::COLD {
            let _full = COLD_REQUESTS.insert(&place, &asked.key, 0);
        }
    } else if left != 0 {
        let thread = id as u32;
        // Without room for it what is found before the call is all that is told.
        let _full = WAITING.insert(&thread, &asked, 0);
    }
}

#[inline(always)]
fn unknown(state: u32, path: u32) -> u32 {
    match state {
        found::UNKNOWN => path,
        found::UNREAD => path | open::UNREAD,
        found::COLD => open::COLD,
        _ => 0,
    }
}

/// A call is over: what was not told of its paths until now is told, unless it has failed. Returns whether it turns out to have done
/// nothing.
#[inline(always)]
pub(crate) fn settle(id: u64, has_failed: bool) -> bool {
    let thread = id as u32;
    let Some(asked) = WAITING.get_ptr(&thread) else { return false };
    // SAFETY: an entry of the map.
    let asked = unsafe { *asked };
    let _there = WAITING.remove(&thread);
    let Some(scratch) = scratch() else { return false };
    if has_failed {
        return false;
    }
    if asked.pointers[1] != 0 {
        // Both names are there, and of one file: rename(2) leaves them as they are. Now they are in memory, and can be read.
        let [old, new] = [0, 1].map(|at| named_inode(asked.dirs[at], asked.pointers[at]));
        if old != 0 && old == new {
            return true;
        }
    }
    let how = asked.number | IS_LATE;
    scratch.key = 0;
    scratch.follows = 0;
    if asked.open & open::FIRST != 0 {
        tell(id, how | (Kind::Before as u64) << 32, asked.dirs[0], asked.pointers[0], asked.extra);
    }
    if asked.open & open::SECOND != 0 {
        tell(id, how | (Kind::BeforeSecond as u64) << 32, asked.dirs[1], asked.pointers[1], asked.extra);
    }
    false
}

/// Returns the inode that a path of the program names, its last link not followed; 0 if there is none, as far as is in memory.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn named_inode(dir: u32, pointer: u64) -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.follows = 0;
    if find(dir, pointer, 0) != found::FILE {
        return 0;
    }
    field(scratch.dentry, offset!(dentry_inode))
}

/// Tells of the script by way of which a program is executed: its path is in the kernel's memory.
#[inline(always)]
pub(crate) fn tell_script(id: u64, path: u64) {
    if let Some(scratch) = scratch() {
        scratch.key = 0;
        scratch.follows = 1;
        tell(id, IS_LATE | IS_KERNELS | (Kind::Script as u64) << 32, CWD, path, 0);
    }
}

/// Tells what the first path of a call that was made names now. `follows`: as in the scratch.
#[inline(always)]
pub(crate) fn tell_late(id: u64, number: u64, dir: u32, pointer: u64, extra: u64, follows: u32) {
    if let Some(scratch) = scratch() {
        scratch.follows = follows;
        scratch.key = 0;
        tell(id, number | IS_LATE | (Kind::Before as u64) << 32, dir, pointer, extra);
    }
}

/// Tells of a call on paths that was made, and what its last path names now. Links are followed as the scratch says.
#[inline(always)]
pub(crate) fn tell_after(id: u64, number: u64, dir: u32, pointer: u64, extra: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.key = 0;
    tell(id, number | IS_LATE | (Kind::After as u64) << 32, dir, pointer, extra)
}

/// Tells what a path names, and returns how the look for it has ended. `what`: number of the call, the kind of the event shifted left by
/// 32, and the flags above.
///
/// What a program has not touched yet is not in its memory, and programs of this kind may not wait for it.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn tell(id: u64, what: u64, dir: u32, pointer: u64, extra: u64) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, (what >> 32) as u16, dir as i32);
    scratch.head.value = what & 0xffff_ffff;
    scratch.head.value2 = extra;
    scratch.head.memory = scratch.key;
    let is_late = what & IS_LATE != 0;
    if is_late {
        scratch.head.flags |= LATE;
    }
    let is_kernels = u32::from(what & IS_KERNELS != 0);
    let found = find(dir, pointer, is_kernels);
    if found == found::UNKNOWN || found == found::UNREAD {
        scratch.head.flags |= UNKNOWN;
        // Links that were followed have taken the place of what was given.
        if is_late && found == found::UNKNOWN && read_path(pointer, is_kernels) > 0 {
            scratch.head.flags |= AS_GIVEN;
            add_given();
            start(dir);
            paths::walk(scratch.dentry, scratch.mount);
        }
        emit();
        return found;
    }
    if found == found::FILE {
        fill_inode(field(scratch.dentry, offset!(dentry_inode)));
    } else {
        scratch.head.flags |= if found == found::COLD { COLD } else { ABSENT };
        let sb: u64 = field(scratch.parent, offset!(dentry_sb));
        scratch.head.magic = field(sb, offset!(sb_magic));
    }
    if scratch.by_entry != 0 {
        paths::walk(scratch.dentry, scratch.mount);
        if field::<u64>(scratch.dentry, offset!(dentry_unhashed)) == 0 {
            scratch.head.flags |= NAMELESS;
        }
    } else {
        add_name();
        paths::walk_on(scratch.parent, scratch.parent_mount);
    }
    emit();
    found
}

/// Tells what a request of an io_uring has made of its last path.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn tell_requested(id: u64, request: u64) -> u32 {
    let Some(requested) = REQUESTED.get_ptr(&request) else { return 0 };
    // SAFETY: an entry of the map.
    let requested = unsafe { *requested };
    let _there = REQUESTED.remove(&request);
    let Some(scratch) = scratch() else { return 0 };
    begin(scratch, id, Kind::After as u16, -1);
    scratch.head.value = requested.number;
    scratch.head.memory = request;
    scratch.head.flags = LATE;
    let entry = child(requested.place.parent, requested.place.hash_len);
    let inode: u64 = field(entry, offset!(dentry_inode));
    if entry == 0 || inode == 0 {
        scratch.head.flags |= ABSENT;
    } else {
        fill_inode(inode);
        paths::walk(entry, requested.mount);
    }
    emit();
    1
}

/// Puts the path as it was given into the text. What is behind its NUL is of no account.
#[inline(always)]
fn add_given() {
    let Some(scratch) = scratch() else { return };
    copy(0, GIVEN_BYTES as u32 - 1, GIVEN_BYTES as u32 - 1);
    scratch.head.lens[0] = scratch.len;
}

/// Puts the last name into the text, with a NUL.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn add_name() -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    copy(scratch.name_at, scratch.name_len, NAME_BYTES);
    0
}

/// Copies from what was given, and adds a NUL. `mask`, a constant, is one less than a power of two.
#[inline(always)]
fn copy(from: u32, bytes: u32, mask: u32) {
    let Some(scratch) = scratch() else { return };
    // The compiler knows that the masks change nothing, and must not act on it: the verifier does not.
    let (from, bytes) = (black_box(from) & (GIVEN_BYTES as u32 - 1), black_box(bytes) & mask);
    let text = (&raw mut scratch.text).cast::<u8>();
    let given = (&raw const scratch.given).cast::<u8>();
    // SAFETY: within both, by the masks: behind a whole path there is room for the longest name.
    unsafe {
        bpf_probe_read_kernel(text.cast(), bytes, given.add(from as usize).cast());
        text.add(bytes as usize).write(0);
    }
    scratch.len = bytes + 1;
}

/// Begins at the directory that a path is relative to.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn start(dir: u32) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    let fs: u64 = field(kernel::current(), offset!(task_fs));
    if scratch.given[0] == b'/' {
        scratch.dentry = field(fs, offset!(fs_root_dentry));
        scratch.mount = field(fs, offset!(fs_root_mnt));
    } else if dir == CWD {
        scratch.dentry = field(fs, offset!(fs_pwd_dentry));
        scratch.mount = field(fs, offset!(fs_pwd_mnt));
    } else {
        let file = file_of(dir);
        scratch.dentry = field(file, offset!(file_dentry));
        scratch.mount = field(file, offset!(file_mnt));
    }
    0
}

/// Reads a path into the scratch, and returns its length, or a negative number.
#[inline(always)]
pub(crate) fn read_path(pointer: u64, is_kernels: u32) -> i64 {
    let Some(scratch) = scratch() else { return -1 };
    let given = (&raw mut scratch.given).cast();
    // SAFETY: there is room.
    let read = unsafe {
        if is_kernels == 0 {
            bpf_probe_read_user_str(given, GIVEN_BYTES as u32, pointer as *const _)
        } else {
            bpf_probe_read_kernel_str(given, GIVEN_BYTES as u32, pointer as *const _)
        }
    };
    // Without the NUL.
    if read > 0 { read - 1 } else { read }
}

/// Finds what a path names: into the scratch.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn find(dir: u32, pointer: u64, is_kernels: u32) -> u32 {
    let len = read_path(pointer, is_kernels);
    let Some(scratch) = scratch() else { return found::UNKNOWN };
    scratch.by_entry = 0;
    scratch.task = 0;
    scratch.links = 0;
    if len < 0 {
        scratch.given[0] = 0;
        return found::UNREAD;
    }
    start(dir);
    if len == 0 {
        // The file of the descriptor itself (AT_EMPTY_PATH).
        scratch.given[0] = 0;
        scratch.by_entry = 1;
        return if dir == CWD || scratch.dentry == 0 { found::UNKNOWN } else { found::FILE };
    }
    let at = &raw mut scratch.at;
    // SAFETY: in the map, here and below.
    unsafe { at.write_volatile(0) };
    let mut state = found::UNKNOWN;
    for _ in times(NAMES) {
        // SAFETY: see above.
        let from = unsafe { at.read_volatile() };
        let step = step(from);
        state = step;
        if step != MORE {
            break;
        }
    }
    if state == MORE { found::UNKNOWN } else { state }
}

/// There are more names.
pub(crate) const MORE: u32 = 3;

/// Follows the name at that place of what was given.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn step(from: u32) -> u32 {
    let Some(scratch) = scratch() else { return found::UNKNOWN };
    let from = skip_slashes(from);
    if from >= GIVEN_BYTES as u32 {
        return found::UNKNOWN;
    }
    let hash_len = measure(from, scratch.dentry);
    let len = (hash_len >> 32) as u32;
    if len == 0 || len > NAME_BYTES {
        // Only slashes are left, or nothing: the path ends with one, which only directories may.
        return found::UNKNOWN;
    }
    let end = skip_slashes(from + len);
    // SAFETY: below the length by the comparison.
    let is_last = end >= GIVEN_BYTES as u32 || unsafe { byte(end) } == 0;
    // SAFETY: in the map.
    unsafe { (&raw mut scratch.at).write_volatile(end) };
    if scratch.task != 0 {
        return proc::proc_step(from, len, u32::from(is_last));
    }
    // SAFETY: as above.
    let (first, second) = unsafe { (byte(from), byte(from + 1)) };
    if first == b'.' && (len == 1 || (len == 2 && second == b'.')) {
        if is_last {
            return found::UNKNOWN;
        }
        if len == 2 {
            up();
        }
        return MORE;
    }
    scratch.parent = scratch.dentry;
    scratch.parent_mount = scratch.mount;
    scratch.name_at = from;
    scratch.name_len = len;
    scratch.hash_len = hash_len;
    if !is_last && proc::proc_enter(from, len) != 0 {
        return MORE;
    }
    let child = child(scratch.dentry, hash_len);
    if child == 0 {
        return if is_last { found::COLD } else { found::UNKNOWN };
    }
    let inode: u64 = field(child, offset!(dentry_inode));
    if inode == 0 {
        return if is_last { found::NO_FILE } else { found::UNKNOWN };
    }
    let is_link = u32::from(field::<u16>(inode, offset!(inode_mode))) & S_IFMT == S_IFLNK;
    if is_link && (!is_last || scratch.follows != 0) {
        return follow(inode, end);
    }
    scratch.dentry = child;
    if is_last {
        return found::FILE;
    }
    cross_all();
    MORE
}

/// Goes into what is mounted on a directory; several may be mounted on top of each other.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn cross_all() -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    for _ in times(8) {
        if cross(scratch.dentry) == 0 {
            break;
        }
    }
    0
}

/// Goes on with what a symbolic link says, and the rest of the path behind it.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn follow(inode: u64, end: u32) -> u32 {
    const LINK_BYTES: u32 = 1024;
    const REST_BYTES: u32 = GIVEN_BYTES as u32 - LINK_BYTES;
    let Some(scratch) = scratch() else { return found::UNKNOWN };
    // Only file systems that have the text of short links in memory say it here.
    let link: u64 = field(inode, offset!(inode_link));
    scratch.links += 1;
    if link == 0 || scratch.links > LINKS {
        return found::UNKNOWN;
    }
    // The text of an event is not made before the path is found: room to put the two together.
    let room = (&raw mut scratch.text).cast::<u8>();
    let given = (&raw mut scratch.given).cast::<u8>();
    // SAFETY: there is room for it.
    let read = unsafe { bpf_probe_read_kernel_str(room.cast(), LINK_BYTES, link as *const _) };
    if read <= 1 || read >= i64::from(LINK_BYTES) {
        return found::UNKNOWN;
    }
    let len = black_box(read as u32 - 1) & (LINK_BYTES - 1);
    let end = black_box(end) & (GIVEN_BYTES as u32 - 1);
    // SAFETY: by the masks all of it is within the two, what is behind the end of the path included.
    unsafe {
        room.add(len as usize).write(b'/');
        bpf_probe_read_kernel(room.add(len as usize + 1).cast(), 512, given.add(end as usize).cast());
        bpf_probe_read_kernel(given.cast(), REST_BYTES, room.cast());
        (&raw mut scratch.at).write_volatile(0);
    }
    scratch.dentry = scratch.parent;
    scratch.mount = scratch.parent_mount;
    if scratch.given[0] == b'/' {
        start(CWD);
    }
    MORE
}

/// A byte of what was given.
///
/// # Safety
/// `at` is below its length.
#[inline(always)]
pub(crate) unsafe fn byte(at: u32) -> u8 {
    match scratch() {
        // SAFETY: the mask keeps it within the array, which has room behind the path.
        Some(scratch) => unsafe {
            (&raw const scratch.given).cast::<u8>().add(at as usize & (GIVEN_BYTES - 1)).read_volatile()
        },
        None => 0,
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn skip_slashes(from: u32) -> u32 {
    let mut at = from;
    for _ in 0..8 {
        // SAFETY: masked.
        if at >= GIVEN_BYTES as u32 || unsafe { byte(at) } != b'/' {
            break;
        }
        at += 1;
    }
    at
}

/// Returns the hash of the name that begins there and, shifted left by 32, its length, as the kernel has them in `d_name.hash_len`
/// (hash_name(), fs/namei.c, of machines with 64-bit words).
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn measure(from: u32, parent: u64) -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.hash = [0, parent];
    for index in times(8) {
        let from = from + index as u32 * 32;
        let hash_len = measure_words(from);
        if hash_len != 0 {
            return hash_len + (index * 32 << 32);
        }
    }
    0
}

/// Measures 32 bytes more; 0 if the name does not end in them.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn measure_words(from: u32) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    const GOLDEN_RATIO: u64 = 0x61C8_8646_80B5_83EB;
    /// A name that begins before the end of what was given may end behind it.
    const LAST: u32 = GIVEN_BYTES as u32 + 256;
    let Some(scratch) = scratch() else { return 0 };
    if from >= LAST {
        return 0;
    }
    let given = (&raw const scratch.given).cast::<u8>();
    let [mut x, mut y] = scratch.hash;
    for index in 0..4_u32 {
        // SAFETY: by the comparison all 32 bytes are within the array.
        let word = unsafe { given.add(from as usize + index as usize * 8).cast::<u64>().read_unaligned() };
        let slashes = word ^ ONES * u64::from(b'/');
        let ends =
            (word.wrapping_sub(ONES) & !word & HIGHS) | (slashes.wrapping_sub(ONES) & !slashes & HIGHS);
        if ends != 0 {
            // The lowest mark is right; those above it may be borrowed.
            let below = (ends & ends.wrapping_neg()) - 1;
            let mask = below >> 7;
            x ^= word & mask;
            y ^= x.wrapping_mul(GOLDEN_RATIO);
            y = y.wrapping_mul(GOLDEN_RATIO);
            let bytes = count_bytes(mask);
            return y >> 32 | u64::from(index * 8 + bytes) << 32;
        }
        x ^= word;
        y ^= x;
        x = x.rotate_left(12);
        x = x.wrapping_add(y);
        y = y.rotate_left(45);
        y = y.wrapping_mul(9);
    }
    scratch.hash = [x, y];
    0
}

/// Returns how many bytes a mask of whole bytes has.
#[inline(always)]
fn count_bytes(mask: u64) -> u32 {
    // 0x..ffff: each byte gives one of the ones below its end.
    ((mask & 0x0101_0101_0101_0101).wrapping_mul(0x0101_0101_0101_0101) >> 56) as u32
}

/// Returns the entry of a directory that has that hash and length, or 0.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn child(parent: u64, hash_len: u64) -> u64 {
    let Some(scratch) = scratch() else { return 0 };
    scratch.cursor = field(parent, offset!(dentry_children));
    for _ in times(ROUNDS) {
        let found = look_on(parent, hash_len);
        if found != 0 {
            return if found == 1 { 0 } else { found };
        }
    }
    0
}

/// Goes on looking for long: as [`look`].
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn look_on(parent: u64, hash_len: u64) -> u64 {
    for _ in times(ROUNDS) {
        let found = look(parent, hash_len);
        if found != 0 {
            return found;
        }
    }
    0
}

/// Goes on looking: the entry, 1 for none, 0 if there are more.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn look(parent: u64, hash_len: u64) -> u64 {
    let Some(scratch) = scratch() else { return 1 };
    let head = parent + offset!(dentry_children) as u64;
    let mut node = scratch.cursor;
    for _ in 0..ENTRIES {
        // The end of the list: of one kind it is nothing, of the other its head.
        if node == 0 || node == head {
            return 1;
        }
        let entry = node - offset!(dentry_sibling) as u64;
        if field::<u64>(entry, offset!(dentry_hash_len)) == hash_len
            && field::<u64>(entry, offset!(dentry_unhashed)) != 0
        {
            return entry;
        }
        node = field(node, 0);
    }
    scratch.cursor = node;
    0
}

/// `..`: out of a mount, if at its root.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn up() -> u32 {
    for _ in times(16) {
        if rise() != 0 {
            break;
        }
    }
    0
}

/// Goes to the directory above, and returns 1; or, from the root of a mount, to where it is mounted, which is in the same place.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn rise() -> u32 {
    let Some(scratch) = scratch() else { return 1 };
    let fs: u64 = field(kernel::current(), offset!(task_fs));
    let (top, top_mount): (u64, u64) = (field(fs, offset!(fs_root_dentry)), field(fs, offset!(fs_root_mnt)));
    if scratch.dentry == top && scratch.mount == top_mount {
        return 1;
    }
    if scratch.dentry != field::<u64>(scratch.mount, offset!(vfsmnt_root)) {
        scratch.dentry = field(scratch.dentry, offset!(dentry_parent));
        return 1;
    }
    let mount = scratch.mount - offset!(mount_mnt) as u64;
    let above: u64 = field(mount, offset!(mount_parent));
    if above == mount {
        return 1;
    }
    scratch.dentry = field(mount, offset!(mount_mountpoint));
    scratch.mount = above + offset!(mount_mnt) as u64;
    0
}

/// Goes into what is mounted on a directory; returns 1 if there is something.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn cross(dentry: u64) -> u32 {
    /// DCACHE_MOUNTED, which has had two places (include/linux/dcache.h).
    const MOUNTED: u32 = 1 << 16 | 1 << 15;
    let Some(scratch) = scratch() else { return 0 };
    if field::<u32>(dentry, offset!(dentry_flags)) & MOUNTED == 0 {
        return 0;
    }
    let mount = scratch.mount - offset!(mount_mnt) as u64;
    let head = mount + offset!(mount_mounts) as u64;
    scratch.cursor = field(head, 0);
    for _ in times(ROUNDS) {
        let found = enter(dentry, head);
        if found != 0 {
            return found & 1;
        }
    }
    0
}

/// Looks at the mounts of a list from the cursor on: 1 if one is mounted there, which is gone into, 2 for none, 0 if there are more.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn enter(dentry: u64, head: u64) -> u32 {
    let Some(scratch) = scratch() else { return 2 };
    let mut node = scratch.cursor;
    for _ in 0..ENTRIES {
        if node == head || node == 0 {
            return 2;
        }
        let below = node - offset!(mount_child) as u64;
        if field::<u64>(below, offset!(mount_mountpoint)) == dentry {
            scratch.mount = below + offset!(mount_mnt) as u64;
            scratch.dentry = field(scratch.mount, offset!(vfsmnt_root));
            return 1;
        }
        node = field(node, 0);
    }
    scratch.cursor = node;
    0
}
