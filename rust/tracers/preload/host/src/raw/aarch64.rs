//! System calls in code for aarch64: instructions have 4 bytes each and begin at multiples of that, so that nothing needs to be decoded.

use std::io;

use tracer_syscalls::Arch;

use super::calls::{Call, Calls};
use super::image::Image;

/// What is looked at at once.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Instructions back from a call at which its number is looked for.
const LOOK_BACK: usize = 24;

/// `svc #0`, the only form that Linux's callers use (C6.2 of the architecture's manual).
const SVC: u32 = 0xd400_0001;

pub(crate) fn scan(image: &Image<'_>, calls: &mut Calls) -> io::Result<()> {
    for section in &image.code {
        let mut at = section.start.next_multiple_of(4);
        while at < section.end && !calls.is_full() {
            // What is behind the chunk's begin is looked at again: the number of a call stands before it.
            let back = (at - section.start).min(LOOK_BACK as u64 * 4) & !3;
            let bytes = image.bytes(at - back, (back + CHUNK_BYTES).min(section.end - at + back))?;
            let words: Vec<u32> =
                bytes.as_chunks().0.iter().map(|bytes: &[u8; 4]| u32::from_le_bytes(*bytes)).collect();
            for (index, _) in words.iter().enumerate().filter(|(_, word)| **word == SVC) {
                if index as u64 * 4 >= back {
                    calls.add(Call {
                        arch: Arch::Aarch64,
                        number: number_at(&words, index),
                        arguments: [None; 6],
                    });
                }
            }
            at += CHUNK_BYTES;
        }
    }
    Ok(())
}

/// Returns the number of the call at `index`: what `w8` or `x8` was set to last.
fn number_at(words: &[u32], index: usize) -> Option<u32> {
    for word in words.get(..index)?.iter().rev().take(LOOK_BACK) {
        // movz w8 or x8, without a shift.
        if word & 0x7fe0_001f == 0x5280_0008 {
            return Some(word >> 5 & 0xffff);
        }
        // Unconditional branches, of any kind, and what has register 8 where most instructions name their result.
        if word & 0x7c00_0000 == 0x1400_0000 || word & 0xfe00_0000 == 0xd600_0000 || word & 0x1f == 8 {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_what_the_register_was_set_to() {
        let mov_x8_56 = 0xd280_0708;
        let mov_x0_1 = 0xd280_0020;
        assert_eq!(number_at(&[mov_x8_56, mov_x0_1, SVC], 2), Some(56));
        let mov_x8_x3 = 0xaa03_03e8;
        assert_eq!(number_at(&[mov_x8_56, mov_x8_x3, SVC], 2), None);
        let ret = 0xd65f_03c0;
        assert_eq!(number_at(&[mov_x8_56, ret, SVC], 2), None);
    }
}
