//! What is looked up and is no file of the run.

use tracer_host::absent_path;
use tracer_preload_journal::log::Told;
use tracer_schema::{EventKind, LookupKind};

use super::{Collector, PATCHED};

/// The kinds that are seen where the C library's calls are patched. Of its functions those that look and list alone are not hooked.
const KINDS: [LookupKind; 2] = [LookupKind::Absent, LookupKind::Listing];

impl Collector {
    /// Returns the kinds that were seen in every process that the library was in.
    pub(crate) fn lookups_seen(&self) -> &'static [LookupKind] {
        if self.modes.iter().all(|mode| *mode == PATCHED) { &KINDS } else { &[] }
    }

    /// A directory was listed.
    pub(super) fn listed(&mut self, told: &Told<'static>) {
        self.look_up(EventKind::Listed, told, self.path(told));
    }

    /// Nothing was found at a path, which is as it was given.
    pub(super) fn absent(&mut self, told: &Told<'static>) {
        if let Some(path) = absent_path(told.path) {
            self.look_up(EventKind::Absent, told, &path);
        }
    }

    fn look_up(&mut self, kind: EventKind, told: &Told<'static>, path: &[u8]) {
        if path.starts_with(b"/") {
            let mut event = self.event(kind, told);
            event.text = self.recorder.text(path);
            self.recorder.tell(&event);
        }
    }
}
