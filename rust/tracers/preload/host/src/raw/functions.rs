//! Where functions begin and end, as the tables for unwinding say (`.eh_frame_hdr`, Linux Standard Base, "Exception Frames"): whoever wants
//! to know whether some bytes are an instruction must begin where one begins.

use std::io;
use std::ops::Range;

use super::image::{Image, word};

/// Encodings that every linker uses: of the table, relative to it and 4 bytes; of the number of functions, 4 bytes.
const ENCODINGS: [u8; 3] = [1, 0x03, 0x3b];

/// Longest function that is believed in, bytes.
pub(crate) const FUNCTION_BYTES_MAX: u64 = 16 << 20;

/// The functions of an image, in the order of their addresses.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    /// Start, and address of what else is known of it.
    entries: Vec<(u64, u64)>,
}

/// What surrounds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Addresses that are decoded together.
    pub(crate) code: Range<u64>,
    /// Whether the first of them certainly begins an instruction.
    pub(crate) is_function: bool,
}

impl Functions {
    /// Reads the table; an image without one has none.
    pub(crate) fn read(image: &Image<'_>) -> io::Result<Self> {
        let Some((address, len)) = image.function_table() else { return Ok(Self::default()) };
        let table = image.bytes(address, len)?;
        let has_form = matches!(table.get(..4), Some([version, _, count, entry])
            if [*version, *count, *entry] == ENCODINGS);
        if !has_form {
            return Ok(Self::default());
        }
        let count = word(&table, 8).unwrap_or(0) as usize;
        let relative =
            |bytes: &[u8], at| word(bytes, at).map(|word| address.wrapping_add_signed((word as i32).into()));
        let entry = |bytes: &[u8]| Some((relative(bytes, 0)?, relative(bytes, 4)?));
        let entries = table.get(12..).unwrap_or(b"").chunks_exact(8).take(count).filter_map(entry).collect();
        Ok(Self { entries })
    }

    /// Returns the function that holds an address within `section`, or what is between two.
    pub(crate) fn around(&self, image: &Image<'_>, address: u64, section: &Range<u64>) -> Surroundings {
        let next = self.entries.partition_point(|(start, _)| *start <= address);
        let next_start = self.entries.get(next).map_or(section.end, |(start, _)| (*start).min(section.end));
        let Some((start, frame)) = next.checked_sub(1).and_then(|before| self.entries.get(before)) else {
            return Surroundings { code: section.start..next_start, is_function: false };
        };
        let end = length(image, *start, *frame).map_or(next_start, |len| start + len);
        if address < end && *start >= section.start {
            return Surroundings { code: *start..end.min(section.end), is_function: true };
        }
        Surroundings { code: end.clamp(section.start, address)..next_start, is_function: false }
    }
}

/// Returns the length of a function, if its description has the form that compilers give it: relative to itself, and 4 bytes.
fn length(image: &Image<'_>, start: u64, frame: u64) -> Option<u64> {
    let frame_bytes = image.bytes(frame, 16).ok()?;
    let said = frame.wrapping_add(8).wrapping_add_signed((word(&frame_bytes, 8)? as i32).into());
    let len = u64::from(word(&frame_bytes, 12)?);
    (said == start && len <= FUNCTION_BYTES_MAX).then_some(len)
}
