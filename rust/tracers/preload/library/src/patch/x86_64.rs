//! x86-64.

use core::ptr;
use core::sync::atomic::Ordering;

use tracer_preload_journal::plans::{BUILD_ID_BYTES, Edit, OFFSET, Patch};

use crate::loader::{self, LinkMap};
use crate::{gate, journal, sys};

/// Longest path of an image, with its NUL.
const IMAGE_PATH_MAX: usize = 256;

/// Takes plain numbers from the front of bytes.
fn take<T: Copy>(bytes: &mut &[u8]) -> Option<T> {
    let head = take_bytes(bytes, size_of::<T>())?;
    // SAFETY: plain numbers, of which every value is valid, and enough bytes of them.
    Some(unsafe { head.as_ptr().cast::<T>().read_unaligned() })
}

/// Takes bytes, and those that pad them to 4.
fn take_bytes<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(len.next_multiple_of(4))?;
    *bytes = rest;
    head.get(..len)
}

/// Patches what there are plans for, and returns whether the C library was among it.
pub(crate) fn patch_all() -> bool {
    let Some(head) = journal::head() else { return false };
    let len = head.plans_bytes.load(Ordering::Acquire) as usize;
    let Some(mut rest) = journal::bytes_at(OFFSET, len) else { return false };
    let mut has_library = false;
    while let Some(plan) = take::<Patch>(&mut rest) {
        let Some(image) = take_bytes(&mut rest, plan.image_len as usize) else { break };
        let edits = rest;
        for _ in 0..plan.edits {
            let Some(edit) = take::<Edit>(&mut rest) else { break };
            if take_bytes(&mut rest, edit.len as usize).is_none() {
                break;
            }
        }
        if let Some(map) = loader::loaded().find(|map| is_known(map) && has_build_id(map, &plan.build_id)) {
            let is_patched = map_image(map.base, &plan, image) || edit(map.base, &plan, edits);
            has_library |= is_patched && map.is_named(b"libc.");
        }
    }
    has_library
}

/// Only these are looked at: to look at every library would cost each process a page of each.
fn is_known(map: &LinkMap) -> bool {
    [&b"libc."[..], b"ld-linux"].iter().any(|start| map.is_named(start))
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

/// Writes the addresses that thunks jump to where they look for them.
fn fill_slots(base: usize, plan: &Patch) {
    let slots = (base + plan.slots as usize) as *mut usize;
    // SAFETY: two words behind the end of the file's data and within its last page, which is mapped and nobody's.
    unsafe { slots.write(gate::gate as *const () as usize) };
    let second = slots.wrapping_add(1);
    // SAFETY: as above.
    unsafe { second.write(gate::after_clone as *const () as usize) };
}

/// Maps the image in the place of the code: a process pays for no page that it does not use, and all share them.
fn map_image(base: usize, plan: &Patch, image: &[u8]) -> bool {
    let mut path = [0; IMAGE_PATH_MAX];
    if image.is_empty() || image.len() >= path.len() {
        return false;
    }
    for (to, from) in path.iter_mut().zip(image) {
        *to = *from;
    }
    let fd = sys::open_at(sys::AT_FDCWD, path.as_ptr(), sys::O_CLOEXEC);
    if fd < 0 {
        return false;
    }
    fill_slots(base, plan);
    let start = base + plan.start as usize;
    let is_mapped = sys::map_code(fd as i32, start, (plan.end - plan.start) as usize, plan.offset as usize);
    sys::close(fd as i32);
    is_mapped
}

/// Makes the edits in the process's own copy of the code.
fn edit(base: usize, plan: &Patch, mut edits: &[u8]) -> bool {
    let (start, len) = (base + plan.start as usize, (plan.end - plan.start) as usize);
    if !sys::protect_code(start, len, true) {
        return false;
    }
    fill_slots(base, plan);
    for _ in 0..plan.edits {
        let Some(edit) = take::<Edit>(&mut edits) else { break };
        let Some(bytes) = take_bytes(&mut edits, edit.len as usize) else { break };
        let place = (base + edit.address as usize) as *mut u8;
        // SAFETY: within the code that was just made writable, by the plan; nobody runs it now.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
    }
    sys::protect_code(start, len, false)
}
