//! The threads that hash, started as the work grows.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};

use crate::algorithm::Set;
use crate::large::Large;
use crate::queue::{Queue, Work};
use crate::small::{self, BUFFER_BYTES};
use crate::{Monitor, Outcome, Request};

/// Work for which one more thread is started, as bytes to be hashed: a quarter of a millisecond, some times what a
/// thread costs.
const BYTES_PER_THREAD: u64 = 1 << 20;

/// Most threads that are started: each has a read buffer, and more of them wait for memory.
const THREADS_MAX: usize = 64;

/// Outcomes by request.
pub(crate) type Batch = Vec<(usize, Outcome)>;

/// What every thread knows.
#[derive(Clone, Copy)]
pub(crate) struct Crew<'a> {
    pub(crate) requests: &'a [Request<'a>],
    pub(crate) algorithms: Set,
    pub(crate) monitor: &'a dyn Monitor,
}

impl<'a> Crew<'a> {
    pub(crate) fn hash_small(self, index: usize, buffer: &mut [u8]) -> Outcome {
        small::hash(&self.requests[index], self.algorithms, buffer, self.monitor)
    }

    /// What a thread does until there is no more work.
    fn work(self, queue: &Queue<'a>, done: &Sender<Batch>) {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Some(work) = queue.take() {
            let batch = match work {
                Work::Small(indices) => {
                    let hash = |index| (index, self.hash_small(index, &mut buffer));
                    indices.into_iter().map(hash).collect()
                }
                Work::Part(large, part) => match large.work(part, &mut buffer, self.monitor) {
                    Some(outcome) => vec![(large.index, outcome)],
                    None => continue,
                },
            };
            if done.send(batch).is_err() {
                return;
            }
        }
    }
}

/// Hands work to the threads, from the calling thread.
pub(crate) struct Foreman<'scope, 'env, 'a> {
    crew: Crew<'a>,
    scope: &'scope Scope<'scope, 'env>,
    queue: &'scope Queue<'a>,
    sender: Sender<Batch>,
    done: Receiver<Batch>,
    work_bytes: u64,
    threads: usize,
    threads_max: usize,
}

/// Runs `hand_out`, which gives work to the foreman, then delivers what is still to come, and ends the threads.
pub(crate) fn with_crew<'a>(
    crew: Crew<'a>,
    deliver: &mut dyn FnMut(Batch),
    hand_out: impl FnOnce(&mut Foreman<'_, '_, 'a>, &mut dyn FnMut(Batch)),
) {
    let queue = Queue::default();
    let (sender, done) = mpsc::channel();
    let threads_max = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    thread::scope(|scope| {
        let (work_bytes, threads) = (0, 0);
        let mut foreman =
            Foreman { crew, scope, queue: &queue, sender, done, work_bytes, threads, threads_max };
        hand_out(&mut foreman, deliver);
        queue.close();
        let Foreman { sender, done, .. } = foreman;
        // With our own sender gone, the channel ends when the last thread does.
        drop(sender);
        done.iter().for_each(deliver);
    });
}

impl<'a> Foreman<'_, '_, 'a> {
    pub(crate) fn push_small(&mut self, index: usize, cost_bytes: u64) {
        self.queue.push_small(index);
        self.start_threads(cost_bytes);
    }

    pub(crate) fn push_large(&mut self, large: Arc<Large<'a>>) {
        let cost_bytes = large.size_bytes();
        self.queue.push_large(large);
        self.start_threads(cost_bytes);
    }

    /// Delivers what is done, without waiting.
    pub(crate) fn deliver_ready(&self, deliver: &mut dyn FnMut(Batch)) {
        self.done.try_iter().for_each(deliver);
    }

    fn start_threads(&mut self, cost_bytes: u64) {
        self.work_bytes += cost_bytes;
        let wanted = usize::try_from(self.work_bytes / BYTES_PER_THREAD).unwrap_or(usize::MAX);
        while self.threads < wanted.clamp(1, self.threads_max) {
            let (crew, queue, sender) = (self.crew, self.queue, self.sender.clone());
            self.scope.spawn(move || crew.work(queue, &sender));
            self.threads += 1;
        }
    }
}
