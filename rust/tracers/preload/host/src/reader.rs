//! Takes entries in the order of the log, and waits, not for long, for those that are not complete.

use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};

use tracer_preload_journal::log::{Place, Told};
use tracer_preload_journal::{HEAD_BYTES, Kind, State};

use crate::view::View;

use std::sync::atomic::Ordering;

/// How long an entry is waited for that somebody has begun and not completed: nearly all calls take microseconds, but a thousand
/// processes at once may wait for seconds before they go on, and what comes after in the log is to be told after. One that takes
/// longer (an open of a FIFO that nobody else opens) is told when it is done. Nothing is lost by waiting: the log stays.
const PATIENCE: Duration = Duration::from_secs(30);

/// What becomes of an entry.
#[derive(Debug)]
pub(crate) enum Taken<'a> {
    /// It is complete.
    Whole(Told<'a>),
    /// Its process was killed in the middle of the call.
    CutShort(Told<'a>),
    /// Room that was taken and never filled in.
    Nothing,
}

/// Reads a log.
#[derive(Debug)]
pub(crate) struct Reader {
    log: View,
    position: u64,
    waits_since: Option<(u64, Instant)>,
    /// Entries that were not waited for any longer, or room for them.
    late: FxHashMap<u64, ()>,
}

/// Whether a process can still complete what it has begun.
pub(crate) type IsAlive<'a> = &'a mut dyn FnMut(u32) -> bool;

impl Reader {
    pub(crate) fn new(log: View) -> Self {
        Self { log, position: HEAD_BYTES, waits_since: None, late: FxHashMap::default() }
    }

    /// Returns the next entry, or `None` if there is none yet.
    pub(crate) fn next(&mut self, is_over: bool, is_alive: IsAlive<'_>) -> Option<Taken<'static>> {
        let used = self.log.head().used.0.load(Ordering::Acquire);
        if self.position >= used {
            return self.take_late(is_over, is_alive);
        }
        match self.log.look(self.position) {
            Place::Entry(told) => self.take(told, is_over, is_alive),
            Place::Reserved(next) => {
                if !self.has_waited(is_over) {
                    return None;
                }
                self.late.insert(self.position, ());
                self.position = next;
                Some(Taken::Nothing)
            }
            Place::Empty => {
                if !self.has_waited(is_over) {
                    return None;
                }
                self.late.insert(self.position, ());
                self.position = self.log.resume(self.position + 16, used).unwrap_or(used);
                Some(Taken::Nothing)
            }
        }
    }

    fn take(&mut self, told: Told<'static>, is_over: bool, is_alive: IsAlive<'_>) -> Option<Taken<'static>> {
        // What an exec comes to is seen by who says hello; what a fork comes to, by its number.
        let is_awaited = told.state == State::Begun && !matches!(told.kind, Some(Kind::Exec | Kind::Fork));
        if !is_awaited {
            self.position = told.next;
            self.waits_since = None;
            return Some(Taken::Whole(told));
        }
        if !is_alive(told.pid) {
            // It may have completed it just before it died.
            let Place::Entry(again) = self.log.look(told.position) else { return None };
            self.position = told.next;
            self.waits_since = None;
            let is_cut = again.state == State::Begun;
            return Some(if is_cut { Taken::CutShort(again) } else { Taken::Whole(again) });
        }
        if self.has_waited(is_over) {
            self.late.insert(told.position, ());
            self.position = told.next;
            return Some(Taken::Nothing);
        }
        None
    }

    fn has_waited(&mut self, is_over: bool) -> bool {
        let since = match self.waits_since {
            Some((position, since)) if position == self.position => since,
            _ => {
                let now = Instant::now();
                self.waits_since = Some((self.position, now));
                now
            }
        };
        is_over || since.elapsed() >= PATIENCE
    }

    /// Returns one that was not waited for, if it is complete by now.
    fn take_late(&mut self, is_over: bool, is_alive: IsAlive<'_>) -> Option<Taken<'static>> {
        let mut positions: Vec<u64> = self.late.keys().copied().collect();
        positions.sort_unstable();
        for position in positions {
            let Place::Entry(told) = self.log.look(position) else { continue };
            if told.state != State::Begun {
                self.late.remove(&position);
                return Some(Taken::Whole(told));
            }
            if is_over || !is_alive(told.pid) {
                self.late.remove(&position);
                return Some(Taken::CutShort(told));
            }
        }
        None
    }
}
