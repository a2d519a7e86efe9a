//! x86-64.

mod requests;

use core::sync::atomic::Ordering;
use core::{ptr, slice};

use tracer_preload_journal::plans::{
    BUILD_ID_BYTES, Edit, FAR_BYTES, Identity, OFFSET, Patch, SLOTS, verdict,
};
use tracer_preload_journal::{Kind, State};

use crate::journal::Draft;
use crate::loader::{self, LinkMap};
use crate::names::Text;
use crate::{gate, journal, sandbox, sys};

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

/// Libraries of one process that are looked at: the C library, its parts of old, and the loader.
const LIBRARIES_MAX: usize = 8;

/// A plan and what follows it.
#[derive(Clone, Copy)]
struct Plan {
    patch: Patch,
    image: &'static [u8],
    edits: &'static [u8],
}

/// Goes through the plans.
struct Plans(&'static [u8]);

fn plans() -> Plans {
    let len = journal::head().map_or(0, |head| head.plans_bytes.load(Ordering::Acquire));
    Plans(journal::bytes_at(OFFSET, len as usize).unwrap_or(b""))
}

impl Iterator for Plans {
    type Item = Plan;

    fn next(&mut self) -> Option<Plan> {
        let Self(rest) = self;
        let patch = take::<Patch>(rest)?;
        let image = take_bytes(rest, patch.image_len as usize)?;
        let edits = *rest;
        for _ in 0..patch.edits {
            let edit = take::<Edit>(rest)?;
            take_bytes(rest, edit.len as usize)?;
        }
        Some(Plan { patch, image, edits })
    }
}

/// A library that is loaded and whose system calls matter.
struct Library {
    map: &'static LinkMap,
    identity: Identity,
}

impl Library {
    fn plan(&self) -> Option<Plan> {
        plans().find(|plan| plan.patch.identity == self.identity)
    }

    /// Returns whether it is a loader and nothing else: its calls are no substitute for those of the C library.
    fn is_loader(&self) -> bool {
        self.map.is_named(b"ld-linux")
    }
}

/// Patches what there are plans for, or will be when the collector has been asked, and returns whether the C library was among it, with all
/// that belongs to it: half of it would tell half of what happens.
pub(crate) fn patch_all() -> bool {
    let mut libraries = [const { None::<Library> }; LIBRARIES_MAX];
    let known = loader::loaded().filter(|map| is_known(map));
    for (place, map) in libraries.iter_mut().zip(known) {
        let map: &LinkMap = map;
        *place = identity_of(map).map(|identity| Library { map, identity });
    }
    if libraries.iter().flatten().any(|library| library.plan().is_none()) && !sandbox::is_entered() {
        ask(&libraries);
    }
    let (mut is_whole, mut has_library) = (true, false);
    for library in libraries.iter().flatten().filter(|library| !library.is_loader()) {
        has_library |= library.map.is_named(b"libc.") || library.map.is_named(b"ld-musl");
        is_whole &= library.plan().is_some_and(|plan| plan.patch.verdict == verdict::PATCH);
    }
    let is_patchable = is_whole && has_library;
    let mut is_patched = is_patchable;
    for library in libraries.iter().flatten() {
        if let Some(plan) = library.plan()
            && (is_patchable || library.is_loader())
            && !apply(library.map.base, &plan)
        {
            is_patched &= library.is_loader();
        }
    }
    is_patched
}

/// Asks the collector for the plans that are missing, and waits for them, not for long.
fn ask(libraries: &[Option<Library>; LIBRARIES_MAX]) {
    let mut requests = [const { None }; LIBRARIES_MAX];
    let mut open = [-1; LIBRARIES_MAX];
    for ((library, request), open) in libraries.iter().zip(&mut requests).zip(&mut open) {
        let Some(library) = library.as_ref().filter(|library| library.plan().is_none()) else { continue };
        let name = library.map.name();
        let fd = sys::open_at(sys::AT_FDCWD, name.as_ptr().cast(), sys::O_CLOEXEC) as i32;
        let Ok(stamp) = sys::stat_fd(fd) else { continue };
        *open = fd;
        let (name, identity) = (name.to_bytes(), library.identity.to_bytes());
        let Some(mut draft) = Draft::new(Kind::Unplanned, name.len() + identity.len()) else { continue };
        let mut text = Text::new(&draft, 0);
        text.push(name);
        let mut second = Text::new(&draft, name.len());
        second.push(&identity);
        draft.set_texts(name.len(), identity.len());
        draft.stamp(&stamp).value(library.map.base as u64).value2(fd as u64);
        draft.seal(State::Done);
        *request = requests::request(&draft);
    }
    requests::wait_for(&requests);
    for fd in open.into_iter().filter(|fd| *fd >= 0) {
        sys::close(fd);
    }
}

/// The C libraries and loaders, and what old C libraries keep beside. Only these are looked at: to look at every library would cost each
/// process a page of each. musl's is one file, called by either name.
fn is_known(map: &LinkMap) -> bool {
    const NAMES: &[&[u8]] = &[b"libc.", b"ld-linux", b"ld-musl", b"libpthread.", b"librt."];
    NAMES.iter().any(|start| map.is_named(start))
}

/// Returns which file a library is.
fn identity_of(map: &LinkMap) -> Option<Identity> {
    match build_id(map) {
        Some(build_id) => Some(Identity::of_build_id(build_id)),
        None => sys::stat_at(sys::AT_FDCWD, map.name().as_ptr().cast())
            .ok()
            .map(|stamp| Identity::of_file(&stamp)),
    }
}

/// Returns the build id of a loaded file: the note `NT_GNU_BUILD_ID` of a segment `PT_NOTE` (elf(5)).
fn build_id(map: &LinkMap) -> Option<&'static [u8]> {
    const PT_NOTE: u32 = 4;
    const NT_GNU_BUILD_ID: u32 = 3;
    let base = map.base;
    // SAFETY: a shared library is loaded from the start of its file on, headers first; what they say of it is mapped.
    let word = |address: usize| unsafe { (address as *const u32).read_unaligned() };
    // SAFETY: as above.
    let long = |address: usize| unsafe { (address as *const usize).read_unaligned() };
    if word(base) != u32::from_le_bytes(*b"\x7fELF") {
        return None;
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
                return Some(unsafe { slice::from_raw_parts(desc as *const u8, BUILD_ID_BYTES) });
            }
            note = desc + desc_len.next_multiple_of(4);
        }
    }
    None
}

/// Makes what a plan says. Where it cannot be done, nothing was.
fn apply(base: usize, plan: &Plan) -> bool {
    let Plan { patch, image, edits } = plan;
    if patch.verdict != verdict::PATCH {
        return false;
    }
    if patch.edits == 0 {
        return true;
    }
    if patch.far_len == 0 {
        return map_image(base, patch, image) || edit(base, patch, edits);
    }
    let far = base.wrapping_sub(FAR_BYTES as usize);
    let len = patch.far_len as usize;
    if !sys::map_memory_at(far, len) {
        return false;
    }
    write_edits(base, patch, edits, |address| address < 0);
    fill_slots(base, patch);
    if sys::protect_code(far, len, false) && (map_image(base, patch, image) || edit(base, patch, edits)) {
        return true;
    }
    sys::unmap(far as *mut u8, len);
    false
}

/// Writes the addresses that thunks jump to where they look for them.
fn fill_slots(base: usize, plan: &Patch) {
    let gates: [usize; SLOTS] = [
        gate::gate as *const () as usize,
        gate::after_clone as *const () as usize,
        gate::cancellable as *const () as usize,
    ];
    let slots = base.wrapping_add_signed(plan.slots as isize) as *mut [usize; SLOTS];
    // SAFETY: words behind the end of the file's data and within its last page, or in memory that was just mapped for them: nobody's.
    unsafe { slots.write_unaligned(gates) };
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
    if plan.far_len == 0 {
        fill_slots(base, plan);
    }
    let start = base + plan.start as usize;
    let is_mapped = sys::map_code(fd as i32, start, (plan.end - plan.start) as usize, plan.offset as usize);
    sys::close(fd as i32);
    is_mapped
}

/// Makes the edits in the process's own copy of the code.
fn edit(base: usize, plan: &Patch, edits: &[u8]) -> bool {
    let (start, len) = (base + plan.start as usize, (plan.end - plan.start) as usize);
    if !sys::protect_code(start, len, true) {
        return false;
    }
    if plan.far_len == 0 {
        fill_slots(base, plan);
    }
    write_edits(base, plan, edits, |address| address >= 0);
    sys::protect_code(start, len, false)
}

/// Writes those edits whose address is such.
fn write_edits(base: usize, plan: &Patch, mut edits: &[u8], is_such: fn(i32) -> bool) {
    for _ in 0..plan.edits {
        let Some(edit) = take::<Edit>(&mut edits) else { break };
        let Some(bytes) = take_bytes(&mut edits, edit.len as usize) else { break };
        if is_such(edit.address) {
            let place = base.wrapping_add_signed(edit.address as isize) as *mut u8;
            // SAFETY: within memory that was just made writable, by the plan; nobody runs it now.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        }
    }
}
