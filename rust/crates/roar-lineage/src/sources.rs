//! Where the files come from that no recorded job made: a commit, or nobody knows.

use std::path::Path;

use roar_context::tracked;
use roar_store::{Error, GitState, JobKey, Store};
use rustc_hash::{FxHashMap, FxHashSet};
use tracer_schema::PathBytes;

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From a commit, as it is there.
    Commit(String),
    /// From a commit, with changes that were not committed.
    Changed(String),
    /// Nothing accounts for it.
    Unknown,
}

/// Knows what the commits of jobs have, each asked for once.
#[derive(Debug)]
pub struct Sources<'s> {
    store: &'s Store,
    states: FxHashMap<JobKey, Option<GitState>>,
    /// By top level and commit; none where git could not say.
    commits: FxHashMap<(PathBytes, String), FxHashSet<PathBytes>>,
}

impl<'s> Sources<'s> {
    /// Returns one that knows nothing yet.
    pub fn new(store: &'s Store) -> Self {
        Self { store, states: FxHashMap::default(), commits: FxHashMap::default() }
    }

    /// Returns where a file came from that the job found at the path.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(&mut self, job: JobKey, path: &[u8]) -> Result<Source, Error> {
        if !self.states.contains_key(&job) {
            let state = self.store.git(job)?;
            self.states.insert(job, state);
        }
        let Some(Some(state)) = self.states.get(&job) else { return Ok(Source::Unknown) };
        let (Some(commit), Some(path)) = (&state.commit, within(&state.top_level, path)) else {
            return Ok(Source::Unknown);
        };
        let key = (state.top_level.clone(), commit.clone());
        let files = self.commits.entry(key).or_insert_with(|| {
            let top_level: &Path = state.top_level.as_path();
            // Without git, or without the commit, nothing is known to come from it.
            tracked(top_level, commit).unwrap_or_default()
        });
        let path = PathBytes::from(path);
        Ok(match (files.contains(&path), state.changed_paths.contains(&path)) {
            (_, true) => Source::Changed(commit.clone()),
            (true, false) => Source::Commit(commit.clone()),
            (false, false) => Source::Unknown,
        })
    }
}

/// Returns the path relative to a directory above it.
pub(crate) fn within<'p>(directory: &PathBytes, path: &'p [u8]) -> Option<&'p [u8]> {
    path.strip_prefix(directory.as_bytes())?.strip_prefix(b"/")
}
