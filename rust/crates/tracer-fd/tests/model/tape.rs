//! What a backend tells: frames, in one of two forms.

use std::collections::BTreeMap;

use tracer_schema::stream::put_text;
use tracer_schema::{EventFlags, EventKind, FileStamp, TextId, TraceEvent};

/// How a backend tells which file an effect is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// By descriptor, and what became of descriptors: preload and eBPF.
    Descriptors,
    /// By path and stamp, with every effect: ptrace.
    Resolved,
}

/// An event in the making.
pub(crate) struct Told<'a> {
    pub(crate) kind: EventKind,
    pub(crate) pid: u32,
    pub(crate) fd: i32,
    pub(crate) flags: EventFlags,
    pub(crate) text: Option<&'a [u8]>,
    pub(crate) text2: Option<&'a [u8]>,
    pub(crate) value: u64,
    pub(crate) value2: u64,
    pub(crate) stamp: FileStamp,
}

impl Told<'_> {
    pub(crate) fn new(kind: EventKind, pid: u32) -> Self {
        Self {
            kind,
            pid,
            fd: -1,
            flags: EventFlags::default(),
            text: None,
            text2: None,
            value: 0,
            value2: 0,
            stamp: FileStamp::default(),
        }
    }
}

/// The frames so far.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) frames: Vec<u8>,
    /// Nothing is told while this is set: somebody outside the run is at work.
    pub(crate) is_muted: bool,
    ids: BTreeMap<Vec<u8>, TextId>,
    now_ns: u64,
}

impl Tape {
    fn text(&mut self, text: Option<&[u8]>) -> TextId {
        let Some(text) = text else {
            return TextId::NONE;
        };
        let next = TextId(self.ids.len() as u32 + 1);
        let id = *self.ids.entry(text.to_vec()).or_insert(next);
        if id == next {
            put_text(&mut self.frames, id, text);
        }
        id
    }

    pub(crate) fn tell(&mut self, told: &Told<'_>) {
        if self.is_muted {
            return;
        }
        self.now_ns += 10;
        let mut event = TraceEvent::new(told.kind, self.now_ns, told.pid, told.pid);
        event.text = self.text(told.text);
        event.text2 = self.text(told.text2);
        (event.fd, event.flags) = (told.fd, told.flags);
        (event.value, event.value2) = (told.value, told.value2);
        event.stamp = told.stamp;
        self.frames.extend_from_slice(&event.to_frame());
    }

    pub(crate) fn tell_unknown_kind(&mut self, number: u8) {
        let mut frame = TraceEvent::new(EventKind::End, self.now_ns, 0, 0).to_frame();
        frame[16] = number;
        self.frames.extend_from_slice(&frame);
    }
}
