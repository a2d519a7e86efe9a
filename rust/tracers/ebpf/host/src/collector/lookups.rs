//! What is looked up and is no file of the run.

use tracer_ebpf_abi::{AS_GIVEN, UNKNOWN};
use tracer_host::absent_path;
use tracer_schema::EventKind;

use super::{Collector, Told};

impl Collector {
    /// A directory was listed.
    pub(super) fn listed(&mut self, told: &Told<'_>) {
        let path = self.path_of(told.texts[0]);
        self.look_up(EventKind::Listed, told, &path);
    }

    /// A call has found nothing.
    pub(super) fn absent(&mut self, told: &Told<'_>) {
        let path = match told.head.flags & (AS_GIVEN | UNKNOWN) {
            0 => Some(self.path_of(told.texts[0])),
            known if known & AS_GIVEN != 0 => absent_path(&self.given_path(told)),
            _ => None,
        };
        if let Some(path) = path {
            self.look_up(EventKind::Absent, told, &path);
        }
    }

    fn look_up(&mut self, kind: EventKind, told: &Told<'_>, path: &[u8]) {
        let mut event = self.event(kind, &told.head);
        event.text = self.recorder.text(path);
        self.recorder.tell(&event);
    }
}
