//! Work handed from the calling thread to the others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::large::{Large, Part};

/// Small files that a thread takes at once, and outcomes that it gives back at once: waking a thread costs as much as
/// hashing a small file.
const BATCH_FILES: usize = 32;

/// What a thread takes.
pub(crate) enum Work<'a> {
    /// Requests, by index, that one thread hashes.
    Small(Vec<usize>),
    /// A part of a file that several threads hash.
    Part(Arc<Large<'a>>, Part),
}

/// Work that is still to be done.
#[derive(Default)]
pub(crate) struct Queue<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
}

#[derive(Default)]
struct State<'a> {
    small: VecDeque<usize>,
    large: VecDeque<Arc<Large<'a>>>,
    /// The next part of the first large file.
    next_part: usize,
    is_closed: bool,
}

impl<'a> Queue<'a> {
    pub(crate) fn push_small(&self, index: usize) {
        let mut state = self.lock();
        state.small.push_back(index);
        // Waking for every file would cost more than it brings; the last batch is announced by `close`.
        if state.small.len().is_multiple_of(BATCH_FILES) {
            self.changed.notify_one();
        }
    }

    pub(crate) fn push_large(&self, large: Arc<Large<'a>>) {
        self.lock().large.push_back(large);
        self.changed.notify_all();
    }

    /// Says that no more work will come.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Returns the next work, waiting for it; `None` when all has been handed out. Large files come first.
    pub(crate) fn take(&self) -> Option<Work<'a>> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.take() {
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> State<'a> {
    fn take(&mut self) -> Option<Work<'a>> {
        while let Some(large) = self.large.front() {
            let part = large.part(self.next_part);
            self.next_part += 1;
            if let Some(part) = part {
                return Some(Work::Part(Arc::clone(large), part));
            }
            self.large.pop_front();
            self.next_part = 0;
        }
        let count = self.small.len().min(BATCH_FILES);
        if count < BATCH_FILES && !self.is_closed || count == 0 {
            return None;
        }
        Some(Work::Small(self.small.drain(..count).collect()))
    }
}
