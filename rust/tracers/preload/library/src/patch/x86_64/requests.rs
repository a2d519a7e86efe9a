//! Requests to the collector, for plans that are not there yet.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::journal::{self, Draft};
use crate::sys;

/// How long the collector is waited for in all, milliseconds: to decode a C library takes it some 20.
const ANSWER_MS: i64 = 250;

/// Nanoseconds in a millisecond.
const MS: i64 = 1_000_000;

/// A request that waits for an answer.
pub(super) struct Request {
    place: &'static AtomicU64,
    position: u64,
}

/// Makes a request of an entry that is sealed. `None`: nobody would answer.
pub(super) fn request(draft: &Draft) -> Option<Request> {
    let head = journal::head()?;
    let position = draft.position;
    let place = head
        .requests
        .iter()
        .find(|place| place.compare_exchange(0, position, Ordering::AcqRel, Ordering::Relaxed).is_ok())?;
    head.asked.fetch_add(1, Ordering::AcqRel);
    sys::wake(&head.asked);
    // What is asked while nobody is known to answer is answered when somebody does again, for those who come later.
    (head.is_answering.load(Ordering::Acquire) != 0).then_some(Request { place, position })
}

/// Waits for answers, once and not for long.
pub(super) fn wait_for(requests: &[Option<Request>]) {
    let Some(head) = journal::head() else { return };
    let end = sys::now_ns() + ANSWER_MS * MS;
    for request in requests.iter().flatten() {
        loop {
            let answered = head.answered.load(Ordering::Acquire);
            if request.place.load(Ordering::Acquire) != request.position {
                break;
            }
            let left = end - sys::now_ns();
            if left <= 0 || head.is_answering.load(Ordering::Relaxed) == 0 {
                // The collector is gone or busy: nobody else is to wait, until it answers.
                head.is_answering.store(0, Ordering::Release);
                return;
            }
            sys::wait(&head.answered, answered, left);
        }
    }
}
