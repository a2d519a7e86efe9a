//! Kernel AIO: what io_submit(2) is given, and how each operation ended.
//!
//! Buffered operations are done when the call returns. How they ended stands in the ring of completions, which the kernel
//! keeps in the memory of the process, at the address that serves as the context (fs/aio.c, `struct aio_ring`).

use tracer_schema::EventKind;

use crate::files::FileRef;
use crate::observer::{Call, Observer, Who};
use crate::sys::read_memory;
use crate::words::{u32_at, u64_at};

/// Control blocks looked at in one call: more is cut by the kernel's own limit (fs/aio.c, `nr_events`).
const BLOCKS_MAX: u64 = 65_536;

/// First bytes of struct aio_ring, and the mark in them.
const RING_HEAD_BYTES: usize = 32;
const RING_MAGIC: u32 = 0xa10a_10a1;

/// Bytes of struct io_event.
const EVENT_BYTES: u64 = 32;

/// What one call submits.
#[derive(Debug)]
pub(crate) struct AioBatch {
    context: u64,
    /// Completions so far, as a position in the ring.
    tail: Option<u32>,
    blocks: Vec<Block>,
}

/// One operation.
#[derive(Debug)]
struct Block {
    address: u64,
    /// What it does to which file, if it is one that matters.
    effect: Option<(EventKind, FileRef)>,
}

/// Returns the size of the ring, and the position after the last completion.
fn ring_state(who: Who, context: u64) -> Option<(u32, u32)> {
    let mut head = [0; RING_HEAD_BYTES];
    read_memory(who.tid, context, &mut head).ok()?;
    let (size, tail, magic) = (u32_at(&head, 4), u32_at(&head, 12), u32_at(&head, 16));
    (magic == RING_MAGIC && size > 0 && tail < size).then_some((size, tail))
}

impl Observer {
    pub(crate) fn enter_aio(
        &mut self,
        who: Who,
        call: &Call,
        context: u64,
        count: u64,
        pointers: u64,
    ) -> Option<crate::calls::Pending> {
        let pointer_bytes: u64 = if call.arch.has_short_pointers() { 4 } else { 8 };
        let mut blocks = Vec::new();
        for index in 0..count.min(BLOCKS_MAX) {
            let mut pointer = [0; 8];
            let at = pointers.wrapping_add(index * pointer_bytes);
            let read = read_memory(who.tid, at, &mut pointer[..pointer_bytes as usize]);
            // struct iocb: opcode at 16, descriptor at 20 (include/uapi/linux/aio_abi.h).
            let mut block = [0; 24];
            let address = u64::from_le_bytes(pointer);
            if read.is_err() || read_memory(who.tid, address, &mut block).is_err() {
                break;
            }
            let kind = match u16::from_le_bytes([block[16], block[17]]) {
                0 | 7 => Some(EventKind::Read),
                1 | 8 => Some(EventKind::Write),
                _ => None,
            };
            let fd = u32_at(&block, 20) as i32;
            let effect = kind.and_then(|kind| Some((kind, self.file(who, fd)?)));
            blocks.push(Block { address, effect });
        }
        let tail = ring_state(who, context).map(|(_, tail)| tail);
        let matters = blocks.iter().any(|block| block.effect.is_some());
        matters.then_some(crate::calls::Pending::Aio(AioBatch { context, tail, blocks }))
    }

    /// Tells what the first `count` operations did. One that is still under way is taken as done.
    pub(crate) fn leave_aio(&mut self, who: Who, batch: &AioBatch, count: usize) {
        let ended = completions(who, batch).unwrap_or_default();
        for block in batch.blocks.iter().take(count) {
            let Some((kind, file)) = &block.effect else {
                continue;
            };
            let result =
                ended.iter().find(|(address, _)| *address == block.address).map(|(_, result)| *result);
            match result {
                Some(result) if result < 0 || (result == 0 && *kind == EventKind::Write) => {}
                Some(bytes) => self.tell_file(*kind, who, file, bytes as u64),
                None => self.tell_uncounted(*kind, who, file),
            }
        }
    }
}

/// Returns the completions since the batch was submitted: address of the control block, and result.
fn completions(who: Who, batch: &AioBatch) -> Option<Vec<(u64, i64)>> {
    let (size, tail) = ring_state(who, batch.context)?;
    let mut position = batch.tail?;
    let mut found = Vec::new();
    while position != tail {
        let mut event = [0; EVENT_BYTES as usize];
        let at = batch.context + RING_HEAD_BYTES as u64 + u64::from(position) * EVENT_BYTES;
        read_memory(who.tid, at, &mut event).ok()?;
        found.push((u64_at(&event, 8), u64_at(&event, 16) as i64));
        position = (position + 1) % size;
    }
    Some(found)
}
