//! What is hashed where: answered from the cache, hashed on the calling thread, or handed to the crew.

use std::sync::Arc;

use tracer_schema::{Hashes, NodeKind};

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

type Each<'e> = &'e mut dyn FnMut(usize, Outcome);

impl<'a> Plan<'a> {
    pub(crate) fn carry_out(&self, each: Each<'_>) {
        let mut pending = Vec::new();
        let mut pending_bytes = 0;
        let mut order = self.order().into_iter();
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

    /// Returns the order in which to look at the requests: large files first, so that threads end together.
    fn order(&self) -> Vec<usize> {
        let requests = self.crew.requests;
        let is_large =
            |index: &usize| requests[*index].expect.is_some_and(|stamp| stamp.size > SEGMENT_BYTES);
        let (mut order, small): (Vec<_>, Vec<_>) = (0..requests.len()).partition(is_large);
        order.extend(small);
        order
    }

    fn step(&self, index: usize) -> Step<'a> {
        let Crew { requests, algorithms, monitor } = self.crew;
        let request = &requests[index];
        let stamp = match request.expect.map_or_else(|| verify(request), Ok) {
            Ok(stamp) => stamp,
            Err(outcome) => return Step::Done(outcome),
        };
        if let Some(hashes) = self.cache.lookup(&stamp).filter(|hashes| algorithms.is_covered_by(hashes)) {
            return Step::Done(self.answer(request, algorithms.restrict(hashes)));
        }
        match request.kind {
            NodeKind::Symlink => Step::Small { cost_bytes: BYTES_PER_FILE },
            NodeKind::File => {
                monitor.add_total(stamp.size);
                if stamp.size > SEGMENT_BYTES {
                    return Step::Large(Large::new(index, *request, &stamp, algorithms));
                }
                Step::Small { cost_bytes: BYTES_PER_FILE + stamp.size }
            }
        }
    }

    /// Returns the known hashes, if the file is still the one that they are of.
    fn answer(&self, request: &Request<'_>, hashes: Hashes) -> Outcome {
        let looked_at_ns = now_ns();
        match verify(request) {
            Ok(stamp) => Outcome::Hashed {
                hashes,
                stamp,
                from_cache: true,
                is_settled: is_settled(&stamp, looked_at_ns),
            },
            Err(outcome) => outcome,
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
