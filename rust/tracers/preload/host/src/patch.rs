//! From a plan to bytes: what is written where, so that each site goes through the gate.
//!
//! A site jumps to its *thunk*, a few instructions that say where the call came from and go on to the gate. The thunks lie
//! in what is left of the last page of the code, and find the gate through two words behind the end of the file's data: nothing of it depends on
//! where anything is loaded, so that the same bytes serve every process.

use tracer_preload_journal::plans::{BUILD_ID_BYTES, Edit, Patch};

use crate::elf::{Segment, build_id, segments};
use crate::sites::{Site, Way};

const PAGE: u64 = 4096;

/// Two addresses.
const SLOTS_BYTES: u64 = 16;

/// Why a file cannot be patched although its sites are known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unpatched {
    /// Its headers are not those of an ELF file for x86-64.
    #[error("its program headers cannot be read")]
    Headers,
    /// It has no code.
    #[error("it has no code")]
    Segments,
    /// No room for the thunks behind the code.
    #[error("{needed} bytes are needed behind its code, and there are {room}")]
    Code {
        /// Bytes of thunks.
        needed: u64,
        /// Bytes to the end of the page.
        room: u64,
    },
    /// No room for the two words behind the data.
    #[error("there is no room behind its data")]
    Data,
}

/// What is to be changed of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patched {
    head: Patch,
    edits: Vec<(u32, Vec<u8>)>,
}

/// Code that is being written for an address.
struct Code {
    address: u64,
    bytes: Vec<u8>,
}

impl Code {
    fn here(&self) -> u64 {
        self.address + self.bytes.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The distance from behind the next four bytes to `target`.
    fn relative(&mut self, target: u64) {
        let distance = target.wrapping_sub(self.here() + 4) as u32;
        self.put(&distance.to_le_bytes());
    }
}

/// Numbers of the calls that may make a process that shares the memory: clone, vfork, clone3, and those that are not known.
fn may_share_memory(number: i16) -> bool {
    matches!(number, 56 | 58 | 435 | -1)
}

/// Writes the thunk of a site that goes on at `back`. The registers are those of a system call; what the gate finds in `rcx` and `r11` is
/// said there.
fn write_thunk(code: &mut Code, site: &Site, back: u64, slots: u64) {
    // lea -128(%rsp), %rsp: the red zone belongs to the function that calls. Flags are left as they are.
    code.put(&[0x48, 0x8d, 0x64, 0x24, 0x80]);
    // lea back(%rip), %rcx
    code.put(&[0x48, 0x8d, 0x0d]);
    code.relative(back);
    if !may_share_memory(site.number) {
        // jmp *gate(%rip)
        code.put(&[0xff, 0x25]);
        code.relative(slots);
        return;
    }
    // lea outside(%rip), %r11: behind the jump, which takes six bytes.
    code.put(&[0x4c, 0x8d, 0x1d]);
    let outside = code.here() + 4 + 6;
    code.relative(outside);
    code.put(&[0xff, 0x25]);
    code.relative(slots);
    write_outside(code, back, slots);
}

/// The call itself, with nothing on the stack: parent and child both go on from here, on one stack or two.
fn write_outside(code: &mut Code, back: u64, slots: u64) {
    // syscall; lea -128(%rsp), %rsp; lea back(%rip), %rcx
    code.put(&[0x0f, 0x05, 0x48, 0x8d, 0x64, 0x24, 0x80, 0x48, 0x8d, 0x0d]);
    code.relative(back);
    // jmp *after_clone(%rip)
    code.put(&[0xff, 0x25]);
    code.relative(slots + 8);
}

/// Where the two words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slots {
    /// Behind the data: the code is the same for every process.
    Data,
    /// Behind the code, which each process then has to edit for itself. For the loader, which uses what is behind its data.
    Code,
}

/// Works out the bytes for the sites of a file.
///
/// # Errors
/// See [`Unpatched`].
pub(crate) fn patch(elf: &[u8], sites: &[Site], slots: Slots) -> Result<Patched, Unpatched> {
    let segments = segments(elf);
    let build_id = build_id(elf).ok_or(Unpatched::Headers)?;
    let code = segments.iter().find(|segment| segment.is_executable).ok_or(Unpatched::Segments)?;
    let end = code.end().next_multiple_of(PAGE);
    let thunks_start = code.end().next_multiple_of(16);
    let (slots, thunks_end) = match slots {
        Slots::Data => (find_slots(&segments).ok_or(Unpatched::Data)?, end),
        Slots::Code => (end - SLOTS_BYTES, end - SLOTS_BYTES),
    };
    let mut thunks = Code { address: thunks_start, bytes: Vec::new() };
    let mut edits = Vec::new();
    for site in sites {
        let thunk = thunks.here();
        write_site(&mut edits, site, thunk);
        let moved = match site.way {
            Way::Move(len) => u64::from(len),
            Way::Hop(_) => 0,
        };
        let start = (u64::from(site.address) - code.address + code.offset) as usize;
        thunks.put(elf.get(start..start + moved as usize).ok_or(Unpatched::Segments)?);
        write_thunk(&mut thunks, site, u64::from(site.address) + moved + 2, slots);
    }
    let (needed, room) = (thunks.bytes.len() as u64, thunks_end.saturating_sub(thunks_start));
    if needed > room {
        return Err(Unpatched::Code { needed, room });
    }
    edits.push((thunks_start as u32, thunks.bytes));
    let first = edits.iter().map(|(address, _)| u64::from(*address)).min().unwrap_or(thunks_start);
    let start = first & !(PAGE - 1);
    let mut id = [0; BUILD_ID_BYTES];
    for (to, from) in id.iter_mut().zip(build_id) {
        *to = *from;
    }
    let head = Patch {
        build_id: id,
        start: start as u32,
        end: end as u32,
        offset: (start - code.address + code.offset) as u32,
        slots: slots as u32,
        image_len: 0,
        edits: edits.len() as u32,
    };
    Ok(Patched { head, edits })
}

/// Returns where, behind the end of the data, there are two words that no segment has.
fn find_slots(segments: &[Segment]) -> Option<u64> {
    let data = segments.iter().filter(|segment| segment.is_writable).max_by_key(|segment| segment.address)?;
    let slots = data.end().next_multiple_of(SLOTS_BYTES);
    let end = slots + SLOTS_BYTES;
    let is_free = segments.iter().all(|segment| segment.address >= end || segment.end() <= slots);
    (is_free && end <= data.end().next_multiple_of(PAGE)).then_some(slots)
}

/// Writes the jump, or the two, by which a site reaches its thunk.
fn write_site(edits: &mut Vec<(u32, Vec<u8>)>, site: &Site, thunk: u64) {
    let jump = |address: u32| {
        let mut code = Code { address: address.into(), bytes: vec![0xe9] };
        code.relative(thunk);
        code.bytes
    };
    match site.way {
        Way::Move(len) => {
            let mut bytes = jump(site.address);
            // What is left of it nobody reaches: a trap says so if somebody does.
            bytes.resize(usize::from(len) + 2, 0xcc);
            edits.push((site.address, bytes));
        }
        Way::Hop(hole) => {
            edits.push((hole, jump(hole)));
            let distance = hole.wrapping_sub(site.address + 2);
            edits.push((site.address, vec![0xeb, distance as u8]));
        }
    }
}

impl Patched {
    /// Returns a copy of the file with all edits made.
    pub(crate) fn image(&self, elf: &[u8]) -> Vec<u8> {
        let mut image = elf.to_vec();
        for (address, bytes) in &self.edits {
            let at = (address - self.head.start + self.head.offset) as usize;
            let end = at + bytes.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            image[at..end].copy_from_slice(bytes);
        }
        // The mapping ends with a page.
        image.resize(image.len().next_multiple_of(PAGE as usize), 0);
        image
    }

    /// Returns the bytes for the journal; `image` is the path of the image, empty if there is none.
    pub(crate) fn to_bytes(&self, image: &[u8]) -> Vec<u8> {
        let Patch { build_id, start, end, offset, slots, edits, image_len: _ } = self.head;
        let mut out = build_id.to_vec();
        for word in [start, end, offset, slots, image.len() as u32, edits] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        let mut put = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            out.resize(out.len().next_multiple_of(4), 0);
        };
        put(image);
        for (address, bytes) in &self.edits {
            let Edit { address, len } = Edit { address: *address, len: bytes.len() as u32 };
            put(&address.to_ne_bytes());
            put(&len.to_ne_bytes());
            put(bytes);
        }
        out
    }
}
