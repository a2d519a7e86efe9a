//! What a run looked up and did not use as a file: paths at which nothing was, directories that it listed.
//!
//! That nothing was somewhere can decide what a program does, and so can the names in a directory. But a path that the run itself has
//! made, removed or moved at any time is one of its files, and what was not there when it looked says nothing of the world before.

use rustc_hash::FxHashMap;
use tracer_schema::{FileStamp, LookupKind, LookupSummaries, LookupSummary, PathBytes};

use crate::namespace::Namespace;
use crate::texts::{Symbol, Texts};

/// Lookups kept, at most: a build of thousands of sources that searches dozens of directories for each header stays below it, and
/// 100,000 paths are some megabytes.
const LOOKUPS_MAX: usize = 100_000;

/// What was looked up so far.
#[derive(Default)]
pub(crate) struct Lookups {
    /// With the program that did it first.
    found: FxHashMap<(Symbol, LookupKind), PathBytes>,
    left_out: u64,
}

impl Lookups {
    /// Takes note of a lookup; `program` is asked for the first of its kind at a path.
    pub(crate) fn add(&mut self, path: Symbol, kind: LookupKind, program: impl FnOnce() -> PathBytes) {
        if self.found.contains_key(&(path, kind)) {
            return;
        }
        if self.found.len() < LOOKUPS_MAX {
            self.found.insert((path, kind), program());
        } else {
            self.left_out += 1;
        }
    }

    /// Returns those that tell of the world before the run, by path and kind.
    pub(crate) fn summarize(
        self,
        texts: &Texts,
        namespace: &Namespace,
        look: &mut dyn FnMut(&[u8]) -> Option<FileStamp>,
    ) -> LookupSummaries {
        let mut told_of_before = |path: Symbol, kind| match kind {
            // What is there at the end was made by the run, a directory perhaps, or by somebody else just then.
            LookupKind::Absent => !namespace.has_named(path) && look(texts.bytes(path)).is_none(),
            LookupKind::Listing => look(texts.bytes(path)).is_some_and(|there| there.is_directory()),
        };
        let found = self.found.into_iter().filter(|((path, kind), _)| told_of_before(*path, *kind));
        let mut found: Vec<LookupSummary> = found
            .map(|((path, kind), program)| LookupSummary { path: texts.bytes(path).into(), kind, program })
            .collect();
        found.sort_unstable_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
        LookupSummaries { found, left_out: self.left_out, ..LookupSummaries::default() }
    }
}
