//! What is asked of ELF files (elf(5)), from their bytes.

/// A loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) is_executable: bool,
    pub(crate) is_writable: bool,
    /// Where it is in the file.
    pub(crate) offset: u64,
    /// Where it is loaded, relative to the start of the file.
    pub(crate) address: u64,
    /// Bytes of it in the file.
    pub(crate) len: u64,
    /// Bytes of it in memory.
    pub(crate) memory: u64,
}

impl Segment {
    pub(crate) fn end(&self) -> u64 {
        self.address + self.memory
    }
}

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;

fn number<const N: usize>(elf: &[u8], at: u64) -> Option<[u8; N]> {
    elf.get(usize::try_from(at).ok()?..)?.first_chunk().copied()
}

fn word(elf: &[u8], at: u64) -> Option<u32> {
    number(elf, at).map(u32::from_le_bytes)
}

fn long(elf: &[u8], at: u64) -> Option<u64> {
    number(elf, at).map(u64::from_le_bytes)
}

/// Returns the program headers of that type: their addresses in the file.
fn headers(elf: &[u8], kind: u32) -> impl Iterator<Item = u64> {
    let is_wide = elf.starts_with(b"\x7fELF\x02\x01");
    let table = long(elf, 32).filter(|_| is_wide).unwrap_or(0);
    let count = if is_wide { number(elf, 56).map_or(0, u16::from_le_bytes) } else { 0 };
    (0..u64::from(count))
        .map(move |index| table + 56 * index)
        .filter(move |header| word(elf, *header) == Some(kind))
}

/// Returns whether it is a file for x86-64.
pub(crate) fn is_x86_64(elf: &[u8]) -> bool {
    const EM_X86_64: u16 = 62;
    elf.starts_with(b"\x7fELF\x02\x01") && number(elf, 18).map(u16::from_le_bytes) == Some(EM_X86_64)
}

/// Returns the loadable segments.
pub(crate) fn segments(elf: &[u8]) -> Vec<Segment> {
    const PF_X: u32 = 1;
    const PF_W: u32 = 2;
    let read = |header: u64| {
        let flags = word(elf, header + 4)?;
        Some(Segment {
            is_executable: flags & PF_X != 0,
            is_writable: flags & PF_W != 0,
            offset: long(elf, header + 8)?,
            address: long(elf, header + 16)?,
            len: long(elf, header + 32)?,
            memory: long(elf, header + 40)?,
        })
    };
    headers(elf, PT_LOAD).filter_map(read).collect()
}

/// Returns the address and length of the table of functions (`.eh_frame_hdr`).
pub(crate) fn function_table(elf: &[u8]) -> Option<(u64, u64)> {
    let header = headers(elf, PT_GNU_EH_FRAME).next()?;
    Some((long(elf, header + 16)?, long(elf, header + 32)?))
}

/// Returns the build id (the note `NT_GNU_BUILD_ID`).
pub(crate) fn build_id(elf: &[u8]) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;
    for header in headers(elf, PT_NOTE) {
        let (mut note, len) = (long(elf, header + 8)?, long(elf, header + 32)?);
        let end = note + len;
        while note + 12 <= end {
            let (name_len, desc_len, kind) = (word(elf, note)?, word(elf, note + 4)?, word(elf, note + 8)?);
            let desc = note + 12 + u64::from(name_len.next_multiple_of(4));
            if kind == NT_GNU_BUILD_ID {
                let start = usize::try_from(desc).ok()?;
                return elf.get(start..start + desc_len as usize);
            }
            note = desc + u64::from(desc_len.next_multiple_of(4));
        }
    }
    None
}
