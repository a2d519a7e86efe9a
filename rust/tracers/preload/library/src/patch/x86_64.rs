//! x86-64.

use core::ptr;
use core::sync::atomic::Ordering;

use tracer_preload_journal::plans::{BUILD_ID_BYTES, Form, OFFSET, Plan, Site};

use crate::loader::{self, LinkMap};
use crate::{gate, journal, sys};

const PAGE: usize = 4096;

/// Room for one thunk, bytes.
const THUNK_BYTES: usize = 64;

/// Memory for thunks: those of glibc 2.36 and its loader take two of these pages.
const THUNKS_BYTES: usize = 3 * PAGE;

/// In the library itself, which lies near the libraries that jump to it.
#[repr(align(4096))]
struct Thunks(core::cell::UnsafeCell<[u8; THUNKS_BYTES]>);

// SAFETY: written in the initializer alone.
unsafe impl Sync for Thunks {}

static THUNKS: Thunks = Thunks(core::cell::UnsafeCell::new([0; THUNKS_BYTES]));

/// Code that is being written.
struct Code {
    at: usize,
}

impl Code {
    fn bytes(&mut self, bytes: &[u8]) {
        // SAFETY: callers write to memory that they have made writable, and have room for.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.at as *mut u8, bytes.len()) };
        self.at += bytes.len();
    }

    /// The distance from behind the next four bytes.
    fn relative(&mut self, target: usize) {
        let distance = target.wrapping_sub(self.at + 4) as i32;
        self.bytes(&distance.to_le_bytes());
    }
}

/// Patches what there are plans for, and returns whether the C library was among it.
pub(crate) fn patch_all() -> bool {
    let Some(head) = journal::head() else { return false };
    let len = head.plans_bytes.load(Ordering::Acquire) as usize;
    let Some(mut plans) = journal::bytes_at(OFFSET, len) else { return false };
    let start = THUNKS.0.get() as usize;
    let mut thunks = Code { at: start };
    let mut has_library = false;
    while let Some((plan, rest)) = take::<Plan>(plans) {
        let count = plan.sites as usize;
        let Some((sites, rest)) = rest.split_at_checked(count * size_of::<Site>()) else { break };
        plans = rest;
        if let Some(map) = loader::loaded().find(|map| is_known(map) && has_build_id(map, &plan.build_id)) {
            let is_library = map.is_named(b"libc.");
            let is_patched = patch(map.base, &plan, sites, &mut thunks, start);
            has_library |= is_library && is_patched;
        }
    }
    if thunks.at > start {
        sys::protect_code(start, THUNKS_BYTES, false);
    }
    has_library
}

fn take<T: Copy>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (head, rest) = bytes.split_at_checked(size_of::<T>())?;
    // SAFETY: plain numbers, of which every value is valid, and enough bytes of them.
    Some((unsafe { head.as_ptr().cast::<T>().read_unaligned() }, rest))
}

/// Only these are looked at: to look at every library would cost each process a page of each.
fn is_known(map: &LinkMap) -> bool {
    [&b"libc."[..], b"ld-linux", b"libpthread"].iter().any(|start| map.is_named(start))
}

/// Returns whether a loaded file has that build id: the note `NT_GNU_BUILD_ID` of a segment `PT_NOTE` (elf(5)).
fn has_build_id(map: &LinkMap, build_id: &[u8; BUILD_ID_BYTES]) -> bool {
    const PT_NOTE: u32 = 4;
    const NT_GNU_BUILD_ID: u32 = 3;
    let base = map.base;
    // SAFETY: a shared library is loaded from the start of its file on, headers first; what they say of it is mapped.
    let word = |address: usize| unsafe { (address as *const u32).read_unaligned() };
    // SAFETY: as above.
    let long = |address: usize| unsafe { (address as *const usize).read_unaligned() };
    if word(base) != u32::from_le_bytes(*b"\x7fELF") {
        return false;
    }
    let table = base + long(base + 32);
    let count = (word(base + 56) & 0xffff) as usize;
    for header in (0..count).map(|index| table + index * 56) {
        if word(header) != PT_NOTE {
            continue;
        }
        let (mut note, len) = (base + long(header + 16), long(header + 40));
        let end = note + len;
        while note + 12 <= end {
            let (name_len, desc_len, kind) = (word(note) as usize, word(note + 4) as usize, word(note + 8));
            let desc = note + 12 + name_len.next_multiple_of(4);
            if kind == NT_GNU_BUILD_ID && desc_len >= BUILD_ID_BYTES {
                // SAFETY: within the note.
                return unsafe { &*(desc as *const [u8; BUILD_ID_BYTES]) } == build_id;
            }
            note = desc + desc_len.next_multiple_of(4);
        }
    }
    false
}

fn sites_of(sites: &[u8]) -> impl Iterator<Item = Site> {
    sites.chunks_exact(size_of::<Site>()).filter_map(|bytes| take::<Site>(bytes).map(|(site, _)| site))
}

/// Returns whether the bytes at a site are those that the plan was made for.
fn is_as_planned(base: usize, site: &Site) -> bool {
    let at = base + site.address as usize;
    // SAFETY: in the code of the loaded file, by its build id.
    let byte = |offset: usize| unsafe { ((at + offset) as *const u8).read() };
    if site.form == Form::Long as u8 {
        let number = u32::from_le_bytes([byte(1), byte(2), byte(3), byte(4)]);
        return byte(0) == 0xb8 && number == site.number as u32 && byte(5) == 0x0f && byte(6) == 0x05;
    }
    site.form == Form::Short as u8 && byte(0) == 0x0f && byte(1) == 0x05
}

/// Returns whether code at `from` can jump to all the thunks and back.
fn is_near(from: usize, thunks: usize) -> bool {
    const REACH: usize = (1 << 31) - (1 << 20);
    from.abs_diff(thunks) < REACH
}

fn patch(base: usize, plan: &Plan, sites: &[u8], thunks: &mut Code, thunks_start: usize) -> bool {
    let (start, end) = (base + plan.start as usize, base + plan.end as usize);
    let room = thunks_start + THUNKS_BYTES - thunks.at;
    let is_possible = plan.sites as usize * THUNK_BYTES <= room
        && is_near(start, thunks_start)
        && is_near(end, thunks_start)
        && sites_of(sites).all(|site| is_as_planned(base, &site));
    if !is_possible || !sys::protect_code(start, end - start, true) {
        return false;
    }
    for site in sites_of(sites) {
        let at = base + site.address as usize;
        let is_long = site.form == Form::Long as u8;
        let thunk = thunks.at;
        write_thunk(thunks, if is_long { at + 7 } else { at + 2 }, site.number, is_long);
        thunks.at = thunk + (thunks.at - thunk).next_multiple_of(16);
        let mut code = Code { at };
        if is_long {
            code.bytes(&[0xe9]);
            code.relative(thunk);
            // What is left of it nobody reaches: a trap says so if somebody does.
            code.bytes(&[0xcc, 0xcc]);
        } else {
            let hole = base + site.hole as usize;
            let mut long = Code { at: hole };
            long.bytes(&[0xe9]);
            long.relative(thunk);
            let distance = hole.wrapping_sub(at + 2) as i8;
            code.bytes(&[0xeb, distance as u8]);
        }
    }
    sys::protect_code(start, end - start, false)
}

/// Numbers of the calls that may make a process that shares the memory: clone, vfork, clone3, and those that are not known.
fn may_share_memory(number: i16) -> bool {
    matches!(number, 56 | 58 | 435 | -1)
}

/// Writes a thunk for a site that goes on at `back`.
fn write_thunk(code: &mut Code, back: usize, number: i16, is_long: bool) {
    if is_long {
        // mov $NUMBER, %eax
        code.bytes(&[0xb8]);
        code.bytes(&(number as u32).to_le_bytes());
    }
    // lea -128(%rsp), %rsp: the red zone belongs to the function that calls.
    code.bytes(&[0x48, 0x8d, 0x64, 0x24, 0x80]);
    // lea back(%rip), %rcx
    code.bytes(&[0x48, 0x8d, 0x0d]);
    code.relative(back);
    if may_share_memory(number) {
        // lea outside(%rip), %r11: behind the jump, which takes five bytes.
        code.bytes(&[0x4c, 0x8d, 0x1d]);
        let outside = code.at + 4 + 5;
        code.relative(outside);
    }
    // jmp gate
    code.bytes(&[0xe9]);
    code.relative(gate::gate as *const () as usize);
    if may_share_memory(number) {
        write_outside(code, back, number);
    }
}

/// The call itself, with nothing on the stack: parent and child may both go on from here, on one stack or two.
fn write_outside(code: &mut Code, back: usize, number: i16) {
    // syscall; test %rax, %rax; jz back
    code.bytes(&[0x0f, 0x05, 0x48, 0x85, 0xc0, 0x0f, 0x84]);
    code.relative(back);
    // lea -128(%rsp), %rsp; lea back(%rip), %rcx
    code.bytes(&[0x48, 0x8d, 0x64, 0x24, 0x80, 0x48, 0x8d, 0x0d]);
    code.relative(back);
    // mov $NUMBER, %r11d; jmp after_clone
    code.bytes(&[0x41, 0xbb]);
    code.bytes(&i32::from(number).to_le_bytes());
    code.bytes(&[0xe9]);
    code.relative(gate::after_clone as *const () as usize);
}
