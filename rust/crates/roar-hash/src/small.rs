//! Hashing by one thread: symbolic links, and files up to a segment.

use tracer_schema::{FileStamp, Hashes, NodeKind};

use crate::algorithm::{Digests, Set};
use crate::file::{File, read_link};
use crate::stamp::{is_settled, now_ns};
use crate::{Monitor, Outcome, Request};

/// Read buffer of a thread, bytes: measured; from 64 KiB to 128 KiB what was read is still near (in a part of the L2 cache)
/// when it is hashed, smaller costs system calls, larger costs up to a fifth.
pub(crate) const BUFFER_BYTES: usize = 128 << 10;

/// Hashes the file or link.
pub(crate) fn hash(request: &Request<'_>, set: Set, buffer: &mut [u8], monitor: &dyn Monitor) -> Outcome {
    let hashed = match request.kind {
        NodeKind::Symlink => hash_link(request, set),
        NodeKind::File | NodeKind::Object => hash_file(request, set, buffer, monitor),
    };
    hashed.unwrap_or_else(|outcome| outcome)
}

pub(crate) fn hashed(hashes: Hashes, stamp: FileStamp, read_from_ns: i64) -> Outcome {
    Outcome::Hashed { hashes, stamp, from_cache: false, is_settled: is_settled(&stamp, read_from_ns) }
}

fn hash_link(request: &Request<'_>, set: Set) -> Result<Outcome, Outcome> {
    let read_from_ns = now_ns();
    let (target, stamp) = read_link(request)?;
    Ok(hashed(set.hash(&target), stamp, read_from_ns))
}

fn hash_file(
    request: &Request<'_>,
    set: Set,
    buffer: &mut [u8],
    monitor: &dyn Monitor,
) -> Result<Outcome, Outcome> {
    let file = File::open(request)?;
    let mut digests = Digests::new(set);
    let mut offset = 0;
    loop {
        let count = file.read(buffer, offset).map_err(|source| Outcome::Unreadable { source })?;
        digests.update(&buffer[..count]);
        offset += count as u64;
        monitor.add_done(count as u64);
        // A short read is the end of the file; a file that grows for ever must not keep us.
        if count < buffer.len() || offset > file.stamp().size {
            break;
        }
    }
    if offset != file.stamp().size {
        return Err(file.changed());
    }
    let stamp = file.finish()?;
    Ok(hashed(digests.finish(), stamp, file.opened_ns()))
}
