//! Kernel AIO (io_submit(2)): reads and writes that are told when they are submitted.
//!
//! Buffered operations are done when the call returns. How they ended stands in the ring of completions, which the kernel keeps in the
//! memory of the process, at the address that serves as the context (fs/aio.c, `struct aio_ring`). One that is still under way then is
//! taken as done, its bytes not known.

use crate::descriptors::Side;
use crate::{sys, transfers};

/// Blocks that are being submitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    context: usize,
    /// Where the next completion will stand.
    tail: Option<u32>,
    blocks: usize,
}

/// Size of `struct iocb` as far as it is looked at (include/uapi/linux/aio_abi.h).
const BLOCK_BYTES: usize = 24;

/// Bytes before the completions, and of each.
const RING_BYTES: usize = 32;
const EVENT_BYTES: usize = 32;

/// The mark of a ring.
const RING_MAGIC: u32 = 0xa10a_10a1;

/// Prepares for io_submit: the context, the number of blocks, the address of their addresses.
pub(crate) fn prepare(context: usize, count: usize, blocks: usize) -> Option<Batch> {
    (count as isize > 0).then(|| Batch { context, tail: ring(context).map(|(_, tail)| tail), blocks })
}

/// Copies words of the program's.
fn peek<const WORDS: usize>(address: usize) -> Option<[u64; WORDS]> {
    let mut words = [0_u64; WORDS];
    let mut bytes = [0; 64];
    let bytes = bytes.get_mut(..WORDS * 8)?;
    if sys::peek(address, bytes) != bytes.len() {
        return None;
    }
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Some(words)
}

/// Returns how many completions the ring of a context holds, and where the next will stand.
fn ring(context: usize) -> Option<(u32, u32)> {
    // id, size; head, tail; magic, and more.
    let [first, second, third]: [u64; 3] = peek(context)?;
    let (size, tail) = ((first >> 32) as u32, (second >> 32) as u32);
    (third as u32 == RING_MAGIC && tail < size).then_some((size, tail))
}

/// Returns the result of a block, if it has ended since.
fn result_of(batch: &Batch, block: u64) -> Option<i64> {
    let (size, end) = ring(batch.context)?;
    let mut at = batch.tail?;
    while at != end {
        let place = batch.context + RING_BYTES + at as usize * EVENT_BYTES;
        // The program's own word, the block, the result (`struct io_event`).
        let [_, ended, result]: [u64; 3] = peek(place)?;
        if ended == block {
            return Some(result as i64);
        }
        at = if at + 1 < size { at + 1 } else { 0 };
    }
    None
}

/// Tells of the blocks that were taken.
pub(crate) fn leave(batch: &Batch, result: isize) {
    for index in 0..usize::try_from(result).unwrap_or(0) {
        let Some([address]) = peek(batch.blocks.wrapping_add(index.wrapping_mul(8))) else { continue };
        let mut block = [0; BLOCK_BYTES];
        if sys::peek(address as usize, &mut block) != BLOCK_BYTES {
            continue;
        }
        let [.., c, d, _, _, e, f, g, h] = block;
        let fd = i32::from_le_bytes([e, f, g, h]);
        // IOCB_CMD_PREAD, PWRITE, PREADV, PWRITEV.
        let side = match u16::from_le_bytes([c, d]) {
            0 | 7 => Side::Read,
            1 | 8 => Side::Write,
            _ => continue,
        };
        match result_of(batch, address) {
            Some(bytes) => transfers::tell_ended(fd, side, bytes as isize),
            None => transfers::tell_uncounted(fd, side),
        }
    }
}
