//! From a plan to bytes: what is written where, so that each site goes through the gate.
//!
//! A site jumps to its *thunk*, a few instructions that say where the call came from and go on to the gate. The thunks lie
//! in what is left of the last page of the code, and find the gate through words behind the end of the file's data: nothing of it depends on
//! where anything is loaded, so that the same bytes serve every process. Where there is not enough room, thunks and words are far below
//! ([`FAR_BYTES`]), at a fixed distance.

use tracer_preload_journal::plans::{Edit, FAR_BYTES, Identity, Patch, SLOTS, verdict};

use crate::elf::{Segment, segments};
use crate::sites::{Site, Way};

const PAGE: u64 = 4096;

/// Some addresses.
const SLOTS_BYTES: u64 = 8 * SLOTS as u64;

/// Bytes of thunks that are mapped far below: more than any library has.
const FAR_MAX: u64 = 1 << 20;

/// Why a file cannot be patched although its sites are known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unpatched {
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
    /// No room for the words behind the data.
    #[error("there is no room behind its data")]
    Data,
}

/// What is to be changed of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patched {
    head: Patch,
    /// Addresses below the file are negative.
    edits: Vec<(i32, Vec<u8>)>,
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

/// Returns how many bytes a thunk takes.
fn thunk_len(site: &Site) -> u64 {
    let mut code = Code { address: 0, bytes: Vec::new() };
    write_thunk(&mut code, site, 0, 0);
    code.here()
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

/// Writes the thunk of a call of a function that makes cancellable calls: it says which function, and goes on as a call of the gate would.
fn write_cancellable(code: &mut Code, function: u32, slots: u64) {
    // lea function(%rip), %r11; jmp *cancellable(%rip)
    code.put(&[0x4c, 0x8d, 0x1d]);
    code.relative(function.into());
    code.put(&[0xff, 0x25]);
    code.relative(slots + 16);
}

/// Where the words and the thunks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Thunks behind the code, words behind the data: the code is the same for every process.
    Behind,
    /// Both behind the code, which each process then has to edit for itself. For a loader, which uses what is behind its data.
    Code,
    /// Both far below.
    Far,
}

/// Works out the bytes for the sites of a file.
///
/// # Errors
/// See [`Unpatched`].
pub(crate) fn patch(
    elf: &[u8],
    identity: Identity,
    sites: &[Site],
    room: Room,
) -> Result<Patched, Unpatched> {
    let segments = segments(elf);
    let code = segments.iter().find(|segment| segment.is_executable).ok_or(Unpatched::Segments)?;
    let end = code.end().next_multiple_of(PAGE);
    let behind = code.end().next_multiple_of(16);
    let far = u64::from(FAR_BYTES).wrapping_neg();
    let (thunks_start, slots, thunks_end) = match room {
        Room::Behind => (behind, find_slots(&segments).ok_or(Unpatched::Data)?, end),
        Room::Code => (behind, end - SLOTS_BYTES, end - SLOTS_BYTES),
        Room::Far => (far.wrapping_add(SLOTS_BYTES), far, far.wrapping_add(FAR_MAX)),
    };
    let mut thunks = Code { address: thunks_start, bytes: Vec::new() };
    let mut edits = Vec::new();
    for site in sites {
        let thunk = thunks.here();
        write_site(&mut edits, site, thunk);
        let bytes_at = |address: u64, len: u8| {
            let start = (address - code.address + code.offset) as usize;
            elf.get(start..start + usize::from(len)).ok_or(Unpatched::Segments)
        };
        let address = u64::from(site.address);
        match site.way {
            Way::Move(len) => {
                thunks.put(bytes_at(address, len)?);
                write_thunk(&mut thunks, site, address + u64::from(len) + 2, slots);
            }
            Way::Hop(_) => write_thunk(&mut thunks, site, address + 2, slots),
            Way::Follow(len) => {
                let follow = thunk + thunk_len(site);
                write_thunk(&mut thunks, site, follow, slots);
                thunks.put(bytes_at(address + 2, len)?);
                // jmp, to behind what was moved.
                thunks.put(&[0xe9]);
                thunks.relative(address + 2 + u64::from(len));
            }
            Way::Cancellable { function, .. } => write_cancellable(&mut thunks, function, slots),
        }
    }
    let (needed, space) = (thunks.bytes.len() as u64, thunks_end.wrapping_sub(thunks_start));
    if needed > space || thunks_end < thunks_start {
        return Err(Unpatched::Code { needed, room: space });
    }
    let far_len = if room == Room::Far { (SLOTS_BYTES + needed).next_multiple_of(PAGE) as u32 } else { 0 };
    if !thunks.bytes.is_empty() {
        edits.push((thunks_start as i32, thunks.bytes));
    }
    let in_code = edits.iter().filter(|(address, _)| *address >= 0).map(|(address, _)| *address as u64);
    let start = in_code.min().unwrap_or(code.address) & !(PAGE - 1);
    let head = Patch {
        identity,
        verdict: verdict::PATCH,
        start: start as u32,
        end: end as u32,
        offset: (start - code.address + code.offset) as u32,
        far_len,
        slots: slots as i32,
        image_len: 0,
        edits: edits.len() as u32,
    };
    Ok(Patched { head, edits })
}

/// Returns where, behind the end of the data, there are words that no segment has.
fn find_slots(segments: &[Segment]) -> Option<u64> {
    let data = segments.iter().filter(|segment| segment.is_writable).max_by_key(|segment| segment.address)?;
    let slots = data.end().next_multiple_of(8);
    let end = slots + SLOTS_BYTES;
    let is_free = segments.iter().all(|segment| segment.address >= end || segment.end() <= slots);
    (is_free && end <= data.end().next_multiple_of(PAGE)).then_some(slots)
}

/// Writes the jump, or the two, by which a site reaches its thunk.
fn write_site(edits: &mut Vec<(i32, Vec<u8>)>, site: &Site, thunk: u64) {
    let at = site.address as i32;
    let jump = |address: u32| {
        let mut code = Code { address: address.into(), bytes: vec![0xe9] };
        code.relative(thunk);
        code.bytes
    };
    match site.way {
        Way::Move(len) | Way::Follow(len) => {
            let mut bytes = jump(site.address);
            // What is left of it nobody reaches: a trap says so if somebody does.
            bytes.resize(usize::from(len) + 2, 0xcc);
            edits.push((at, bytes));
        }
        Way::Hop(hole) => {
            edits.push((hole as i32, jump(hole)));
            let distance = hole.wrapping_sub(site.address + 2);
            edits.push((at, vec![0xeb, distance as u8]));
        }
        Way::Cancellable { is_call, .. } => {
            let mut bytes = jump(site.address);
            bytes[0] = if is_call { 0xe8 } else { 0xe9 };
            edits.push((at, bytes));
        }
    }
}

impl Patched {
    /// Returns whether nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Returns a copy of the file with all edits made.
    pub(crate) fn image(&self, elf: &[u8]) -> Vec<u8> {
        let mut image = elf.to_vec();
        for (address, bytes) in self.edits.iter().filter(|(address, _)| *address >= 0) {
            let at = (*address as u32 - self.head.start + self.head.offset) as usize;
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
        let mut out = head_bytes(&Patch { image_len: image.len() as u32, ..self.head });
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

/// Returns a plan that changes nothing: for a file that cannot be patched ([`verdict::REFUSED`]).
pub(crate) fn refusal(identity: Identity) -> Vec<u8> {
    let (start, end, offset, far_len, slots, image_len, edits) = Default::default();
    let verdict = verdict::REFUSED;
    head_bytes(&Patch { identity, verdict, start, end, offset, far_len, slots, image_len, edits })
}

fn head_bytes(head: &Patch) -> Vec<u8> {
    let Patch { identity, verdict, start, end, offset, far_len, slots, image_len, edits } = *head;
    let mut out = identity.to_bytes().to_vec();
    for word in [verdict, start, end, offset, far_len, slots as u32, image_len, edits] {
        out.extend_from_slice(&word.to_ne_bytes());
    }
    out
}
