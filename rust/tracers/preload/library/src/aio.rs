//! Kernel AIO (io_submit(2)): reads and writes that are told when they are submitted, their bytes not known.

use crate::descriptors::Side;
use crate::{sys, transfers};

/// Blocks that were submitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    blocks: usize,
}

/// Size of `struct iocb` as far as it is looked at (include/uapi/linux/aio_abi.h).
const BLOCK_BYTES: usize = 24;

/// Prepares for io_submit: the number of blocks, the address of their addresses.
pub(crate) fn prepare(count: usize, blocks: usize) -> Option<Batch> {
    (count as isize > 0).then_some(Batch { blocks })
}

/// Tells of the blocks that were taken.
pub(crate) fn leave(batch: &Batch, result: isize) {
    for index in 0..usize::try_from(result).unwrap_or(0) {
        let mut pointer = [0; 8];
        let mut block = [0; BLOCK_BYTES];
        let place = batch.blocks.wrapping_add(index.wrapping_mul(8));
        let is_there = sys::peek(place, &mut pointer) == pointer.len()
            && sys::peek(usize::from_le_bytes(pointer), &mut block) == BLOCK_BYTES;
        if !is_there {
            continue;
        }
        let [.., c, d, _, _, e, f, g, h] = block;
        let fd = i32::from_le_bytes([e, f, g, h]);
        // IOCB_CMD_PREAD, PWRITE, PREADV, PWRITEV.
        match u16::from_le_bytes([c, d]) {
            0 | 7 => transfers::tell_uncounted(fd, Side::Read),
            1 | 8 => transfers::tell_uncounted(fd, Side::Write),
            _ => {}
        }
    }
}
