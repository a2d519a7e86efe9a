//! Bytes that the library counts in its journal, after it has told of the first read or write of a descriptor.

use tracer_preload_journal::log::Place;
use tracer_schema::{EventFlags, EventKind, FileStamp, TextId};

use super::Collector;

#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    pub(super) position: u64,
    pub(super) kind: EventKind,
    pub(super) told: u64,
    pub(super) text: TextId,
    pub(super) stamp: FileStamp,
}

impl Collector {
    /// Tells what was counted since the first transfers were told.
    pub(super) fn settle(&mut self, pid: u32) {
        let counters = std::mem::take(&mut self.process(pid).counters);
        counters.into_iter().for_each(|counter| self.tell_more(pid, counter));
    }

    /// A file is made: what was counted of the one that had its number before is that one's.
    pub(super) fn settle_number(&mut self, made: &FileStamp) {
        if !self.counted.remove(&(made.dev, made.ino)) {
            return;
        }
        let pids: Vec<u32> = self.processes.keys().copied().collect();
        for pid in pids {
            let counters = &mut self.process(pid).counters;
            let is_of_number =
                |counter: &mut Counter| (counter.stamp.dev, counter.stamp.ino) == (made.dev, made.ino);
            let of_number: Vec<Counter> = counters.extract_if(.., is_of_number).collect();
            of_number.into_iter().for_each(|counter| self.tell_more(pid, counter));
        }
    }

    fn tell_more(&mut self, pid: u32, counter: Counter) {
        let Counter { position, kind, told, text, stamp } = counter;
        let Place::Entry(now) = self.log.look(position) else { return };
        let more = now.value.saturating_sub(told);
        if more > 0 {
            let mut event = self.recorder.event(kind, pid, pid);
            event.value = more;
            event.stamp = stamp;
            event.text = text;
            event.flags = EventFlags::MORE;
            if !text.is_some() {
                event.flags = event.flags.with(EventFlags::NAMELESS);
            }
            self.recorder.tell(&event);
        }
    }
}
