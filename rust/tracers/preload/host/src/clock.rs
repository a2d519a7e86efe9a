//! The processor's ticks as nanoseconds of the run.

use tracer_preload_journal::log::ticks;

/// A straight line through two moments at which both clocks were read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: (u64, u64),
    now: (u64, u64),
}

impl Clock {
    /// Begins at a moment of the run, nanoseconds.
    pub(crate) fn new(now_ns: u64) -> Self {
        let moment = (ticks(), now_ns);
        Self { start: moment, now: moment }
    }

    /// Reads both clocks again: the longer the line, the better.
    pub(crate) fn read(&mut self, now_ns: u64) {
        self.now = (ticks(), now_ns);
    }

    /// Returns the nanoseconds of the run at which the processor's clock showed `ticks`.
    pub(crate) fn ns(&self, ticks: u64) -> u64 {
        let (from, to) = (self.start, self.now);
        let span = u128::from(to.0.saturating_sub(from.0)).max(1);
        let since = u128::from(ticks.saturating_sub(from.0));
        let ns = since * u128::from(to.1.saturating_sub(from.1)) / span;
        from.1.saturating_add(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}
