//! A file hashed by several threads at once.
//!
//! BLAKE3 is a binary tree over chunks of 1 KiB in which every left subtree has a power of two of chunks (section 2.1 of
//! its paper). A file is cut in segments of a power of two: each is a subtree, or the last part of one, hashed by
//! whichever thread takes it. The chaining values are merged in the end. The other algorithms have no tree: each is one
//! part of its own, which reads the whole file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use tracer_schema::{FileStamp, Hashes};

use crate::algorithm::{Algorithm, Sequential, Set};
use crate::file::File;
use crate::small::{BUFFER_BYTES, hashed};
use crate::{Monitor, Outcome, Request};

/// What one thread takes at a time, bytes: about a millisecond of hashing, so that handing it out costs nothing and
/// threads end together. A power of two, as the tree wants.
pub(crate) const SEGMENT_BYTES: u64 = 4 << 20;

const _: () = assert!(SEGMENT_BYTES.is_power_of_two() && SEGMENT_BYTES >= BUFFER_BYTES as u64);

/// Why a file could not be hashed: told once, by the part that found out.
type Failure = Mutex<Option<Outcome>>;

/// A file longer than a segment.
pub(crate) struct Large<'a> {
    /// Index of the request.
    pub(crate) index: usize,
    request: Request<'a>,
    set: Set,
    size_bytes: u64,
    parts_left: AtomicUsize,
    /// `None` where opening failed.
    file: OnceLock<Option<File>>,
    failure: Failure,
    values: Mutex<Vec<ChainingValue>>,
    others: Mutex<Hashes>,
}

/// What one thread does of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// One algorithm over the whole file.
    Whole(Algorithm),
    /// One segment of the BLAKE3 tree.
    Segment(usize),
}

impl<'a> Large<'a> {
    /// Plans the file, which is of the length that `stamp` says.
    pub(crate) fn new(index: usize, request: Request<'a>, stamp: &FileStamp, set: Set) -> Arc<Self> {
        let segments = usize::try_from(stamp.size.div_ceil(SEGMENT_BYTES)).unwrap_or(usize::MAX);
        let large = Self {
            index,
            request: Request { expect: Some(request.expect.unwrap_or(*stamp)), ..request },
            set,
            size_bytes: stamp.size,
            parts_left: AtomicUsize::new(segments + set.sequential().count()),
            file: OnceLock::new(),
            failure: Mutex::new(None),
            values: Mutex::new(vec![ChainingValue::default(); segments]),
            others: Mutex::new(Hashes::new()),
        };
        debug_assert!(segments >= 2, "a single segment has no parent node");
        Arc::new(large)
    }

    /// Returns the parts, those that take longest first.
    pub(crate) fn part(&self, number: usize) -> Option<Part> {
        let whole = self.set.sequential().count();
        match self.set.sequential().nth(number) {
            Some(algorithm) => Some(Part::Whole(algorithm)),
            None => Some(Part::Segment(number - whole)).filter(|_| number - whole < self.segments()),
        }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn segments(&self) -> usize {
        usize::try_from(self.size_bytes.div_ceil(SEGMENT_BYTES)).unwrap_or(usize::MAX)
    }

    /// Does one part, and returns the outcome if it was the last one.
    pub(crate) fn work(&self, part: Part, buffer: &mut [u8], monitor: &dyn Monitor) -> Option<Outcome> {
        if let Err(outcome) = self.work_on(part, buffer, monitor) {
            lock(&self.failure).get_or_insert(outcome);
        }
        let is_last = self.parts_left.fetch_sub(1, Ordering::AcqRel) == 1;
        is_last.then(|| self.finish().unwrap_or_else(|outcome| outcome))
    }

    fn work_on(&self, part: Part, buffer: &mut [u8], monitor: &dyn Monitor) -> Result<(), Outcome> {
        let Some(file) = self.file() else { return Ok(()) };
        if lock(&self.failure).is_some() {
            return Ok(());
        }
        match part {
            Part::Whole(algorithm) => {
                let Some(mut digest) = Sequential::new(algorithm) else {
                    return Ok(());
                };
                read_range(file, 0..self.size_bytes, buffer, |bytes| digest.update(bytes))?;
                digest.finish_into(&mut lock(&self.others));
            }
            Part::Segment(number) => {
                let start = number as u64 * SEGMENT_BYTES;
                let end = self.size_bytes.min(start + SEGMENT_BYTES);
                let mut subtree = blake3::Hasher::new();
                subtree.set_input_offset(start);
                read_range(file, start..end, buffer, |bytes| {
                    subtree.update(bytes);
                    monitor.add_done(bytes.len() as u64);
                })?;
                lock(&self.values)[number] = subtree.finalize_non_root();
            }
        }
        Ok(())
    }

    /// Opens the file for the first part that needs it.
    fn file(&self) -> Option<&File> {
        let open = || match File::open(&self.request) {
            Ok(file) if file.stamp().size == self.size_bytes => Some(file),
            Ok(file) => {
                lock(&self.failure).get_or_insert(file.changed());
                None
            }
            Err(outcome) => {
                lock(&self.failure).get_or_insert(outcome);
                None
            }
        };
        self.file.get_or_init(open).as_ref()
    }

    fn finish(&self) -> Result<Outcome, Outcome> {
        if let Some(outcome) = lock(&self.failure).take() {
            return Err(outcome);
        }
        let file = self.file().expect("a file that could not be opened has a failure");
        let stamp = file.finish()?;
        let mut hashes = std::mem::take(&mut *lock(&self.others));
        let root = merge(&lock(&self.values), self.size_bytes, SEGMENT_BYTES);
        hashes.insert(Algorithm::Blake3.name(), root.as_bytes());
        Ok(hashed(hashes, stamp, file.opened_ns()))
    }
}

/// A thread that panicked left nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the bytes of the range to `each`, a buffer at a time.
fn read_range(
    file: &File,
    range: std::ops::Range<u64>,
    buffer: &mut [u8],
    mut each: impl FnMut(&[u8]),
) -> Result<(), Outcome> {
    let mut offset = range.start;
    while offset < range.end {
        let wanted = buffer.len().min(usize::try_from(range.end - offset).unwrap_or(usize::MAX));
        let count =
            file.read(&mut buffer[..wanted], offset).map_err(|source| Outcome::Unreadable { source })?;
        if count < wanted {
            return Err(file.changed());
        }
        each(&buffer[..count]);
        offset += count as u64;
    }
    Ok(())
}

/// Returns the hash of `size_bytes` bytes from the chaining values of their segments, of which there are at least two.
fn merge(values: &[ChainingValue], size_bytes: u64, segment_bytes: u64) -> blake3::Hash {
    let (left, right) = children(values, size_bytes, segment_bytes);
    merge_subtrees_root(&left, &right, Mode::Hash)
}

fn children(values: &[ChainingValue], size_bytes: u64, segment_bytes: u64) -> (ChainingValue, ChainingValue) {
    let left_bytes = left_subtree_len(size_bytes);
    let (left, right) = values.split_at(usize::try_from(left_bytes / segment_bytes).unwrap_or(usize::MAX));
    (subtree(left, left_bytes, segment_bytes), subtree(right, size_bytes - left_bytes, segment_bytes))
}

fn subtree(values: &[ChainingValue], size_bytes: u64, segment_bytes: u64) -> ChainingValue {
    if let [value] = values {
        return *value;
    }
    let (left, right) = children(values, size_bytes, segment_bytes);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hashes by segments, as threads would.
    fn hash_by_segments(content: &[u8], segment_bytes: usize) -> blake3::Hash {
        let value = |(number, segment): (usize, &[u8])| {
            let mut subtree = blake3::Hasher::new();
            subtree.set_input_offset((number * segment_bytes) as u64).update(segment);
            subtree.finalize_non_root()
        };
        let values: Vec<_> = content.chunks(segment_bytes).enumerate().map(value).collect();
        merge(&values, content.len() as u64, segment_bytes as u64)
    }

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn segments_give_the_hash_of_the_whole_at_every_boundary() {
        for segment_bytes in [1024, 2048, 16 << 10] {
            for segments in 1..=17 {
                for extra in [1, 2, 1023, 1024, 1025, segment_bytes - 1, segment_bytes] {
                    let content = content(segments * segment_bytes + extra);
                    let whole = blake3::hash(&content);
                    assert_eq!(hash_by_segments(&content, segment_bytes), whole, "{segments} {extra}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn segments_give_the_hash_of_the_whole(exponent in 10_u32..16, segments in 1_usize..40, extra in 1_usize..=65536) {
            let segment_bytes = 1 << exponent;
            let content = content(segments * segment_bytes + extra.min(segment_bytes));
            prop_assert_eq!(hash_by_segments(&content, segment_bytes), blake3::hash(&content));
        }
    }
}
