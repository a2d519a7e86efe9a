//! What is hashed where: answered from the cache, hashed on the calling thread, or handed to the crew.

use std::sync::Arc;
use std::thread;

use tracer_schema::{FileStamp, Hashes, NodeKind};

use crate::crew::{Batch, Crew, with_crew};
use crate::file::verify;
use crate::large::{Large, SEGMENT_BYTES};
use crate::small::BUFFER_BYTES;
use crate::stamp::{is_settled, now_ns};
use crate::{HashCache, Outcome, Request};

/// Work below which threads are not worth their start (about 0.1 ms for two), as bytes to be hashed: half a millisecond.
const INLINE_BYTES: u64 = 2 << 20;

/// What opening and checking a file costs, as the bytes that could be hashed meanwhile: 8 µs at 4 GiB/s.
const BYTES_PER_FILE: u64 = 32 << 10;

/// Files with known hashes from which on a second thread helps to look whether they are still the same: a third of a
/// millisecond of lstat(2), some times what a thread costs.
const FILES_LOOKED_AT_ALONE: usize = 256;

/// One call of [`hash_files`](crate::hash_files).
pub(crate) struct Plan<'a> {
    pub(crate) crew: Crew<'a>,
    pub(crate) cache: &'a dyn HashCache,
}

/// What to do with one request.
enum Step<'a> {
    Done(Outcome),
    Small { cost_bytes: u64 },
    Large(Arc<Large<'a>>),
}

/// What was seen of a file, and when, nanoseconds since 1970.
struct Look {
    looked_at_ns: i64,
    found: Result<FileStamp, Outcome>,
}

impl Look {
    fn at(request: &Request<'_>) -> Self {
        Self { looked_at_ns: now_ns(), found: verify(request) }
    }

    /// Returns the known hashes, if the file is still the one that they are of.
    fn answer(self, hashes: Hashes) -> Outcome {
        let Self { looked_at_ns, found } = self;
        match found {
            Ok(stamp) => Outcome::Hashed {
                hashes,
                stamp,
                from_cache: true,
                is_settled: is_settled(&stamp, looked_at_ns),
            },
            Err(outcome) => outcome,
        }
    }
}

type Each<'e> = &'e mut dyn FnMut(usize, Outcome);

impl<'a> Plan<'a> {
    pub(crate) fn carry_out(&self, each: Each<'_>) {
        let unknown = self.answer_known(each);
        let mut pending = Vec::new();
        let mut pending_bytes = 0;
        let mut order = self.order(unknown).into_iter();
        while let Some(index) = order.next() {
            match self.step(index) {
                Step::Done(outcome) => each(index, outcome),
                Step::Small { cost_bytes } => {
                    pending.push((index, cost_bytes));
                    pending_bytes += cost_bytes;
                }
                Step::Large(large) => return self.hand_out(&pending, Some(large), order, each),
            }
            if pending_bytes > INLINE_BYTES && pending.len() > 1 {
                return self.hand_out(&pending, None, order, each);
            }
        }
        self.hash_here(&pending, each);
    }

    /// Answers the requests for versions whose hashes are known, and returns the others.
    fn answer_known(&self, each: Each<'_>) -> Vec<usize> {
        let requests = self.crew.requests;
        let mut unknown = Vec::new();
        let mut known = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            match request.expect.and_then(|stamp| self.known(&stamp)) {
                Some(hashes) => known.push((index, hashes)),
                None => unknown.push(index),
            }
        }
        let theirs =
            if known.len() < FILES_LOOKED_AT_ALONE { Vec::new() } else { known.split_off(known.len() / 2) };
        thread::scope(|scope| {
            let look = || theirs.iter().map(|(index, _)| Look::at(&requests[*index])).collect::<Vec<_>>();
            let looking = if theirs.is_empty() { None } else { Some(scope.spawn(look)) };
            for (index, hashes) in known {
                each(index, Look::at(&requests[index]).answer(hashes));
            }
            let looks =
                looking.map_or_else(Vec::new, |looking| looking.join().expect("to look does not panic"));
            for ((index, hashes), look) in theirs.iter().zip(looks) {
                each(*index, look.answer(hashes.clone()));
            }
        });
        unknown
    }

    /// Returns the wanted hashes of a version, if all are known.
    fn known(&self, stamp: &FileStamp) -> Option<Hashes> {
        let Crew { algorithms, .. } = self.crew;
        let hashes = self.cache.lookup(stamp).filter(|hashes| algorithms.is_covered_by(hashes));
        hashes.map(|hashes| algorithms.restrict(hashes))
    }

    /// Returns the order in which to hash: large files first, so that threads end together.
    fn order(&self, unknown: Vec<usize>) -> Vec<usize> {
        let requests = self.crew.requests;
        let is_large =
            |index: &usize| requests[*index].expect.is_some_and(|stamp| stamp.size > SEGMENT_BYTES);
        let (mut order, small): (Vec<_>, Vec<_>) = unknown.into_iter().partition(is_large);
        order.extend(small);
        order
    }

    fn step(&self, index: usize) -> Step<'a> {
        let Crew { requests, algorithms, monitor } = self.crew;
        let request = &requests[index];
        let stamp = match request.expect {
            Some(stamp) => stamp,
            None => match verify(request) {
                Ok(stamp) => match self.known(&stamp) {
                    Some(hashes) => return Step::Done(Look::at(request).answer(hashes)),
                    None => stamp,
                },
                Err(outcome) => return Step::Done(outcome),
            },
        };
        match request.kind {
            NodeKind::Symlink => Step::Small { cost_bytes: BYTES_PER_FILE },
            NodeKind::File | NodeKind::Object => {
                monitor.add_total(stamp.size);
                if stamp.size > SEGMENT_BYTES {
                    return Step::Large(Large::new(index, *request, &stamp, algorithms));
                }
                Step::Small { cost_bytes: BYTES_PER_FILE + stamp.size }
            }
        }
    }

    fn hash_here(&self, pending: &[(usize, u64)], each: Each<'_>) {
        if pending.is_empty() {
            return;
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        for &(index, _) in pending {
            each(index, self.crew.hash_small(index, &mut buffer));
        }
    }

    fn hand_out(
        &self,
        pending: &[(usize, u64)],
        large: Option<Arc<Large<'a>>>,
        rest: impl Iterator<Item = usize>,
        each: Each<'_>,
    ) {
        let mut deliver = |batch: Batch| batch.into_iter().for_each(|(index, outcome)| each(index, outcome));
        with_crew(self.crew, &mut deliver, |foreman, deliver| {
            if let Some(large) = large {
                foreman.push_large(large);
            }
            for &(index, cost_bytes) in pending {
                foreman.push_small(index, cost_bytes);
            }
            for index in rest {
                match self.step(index) {
                    Step::Done(outcome) => deliver(vec![(index, outcome)]),
                    Step::Small { cost_bytes } => foreman.push_small(index, cost_bytes),
                    Step::Large(large) => foreman.push_large(large),
                }
                foreman.deliver_ready(deliver);
            }
        });
    }
}
