//! Where the files come from that no recorded job made: a commit, or nobody knows.

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

/// The files of a commit; or why git could not say.
type Tracked = Result<FxHashSet<PathBytes>, String>;

/// Knows what the commits of jobs have, each asked for once.
#[derive(Debug)]
pub struct Sources<'s> {
    store: &'s Store,
    states: FxHashMap<JobKey, Option<GitState>>,
    /// By top level and commit.
    commits: FxHashMap<(PathBytes, String), Tracked>,
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
        let Some((state, commit, files)) = self.commit(job)? else { return Ok(Source::Unknown) };
        let Some(path) = within(&state.top_level, path).map(PathBytes::from) else {
            return Ok(Source::Unknown);
        };
        // Without git, or without the commit, nothing is known to come from it.
        let is_tracked = files.as_ref().is_ok_and(|files| files.contains(&path));
        Ok(match (is_tracked, state.changed_paths.contains(&path)) {
            (_, true) => Source::Changed(commit.to_owned()),
            (true, false) => Source::Commit(commit.to_owned()),
            (false, false) => Source::Unknown,
        })
    }

    /// Returns the commit of a job, if it had one that cannot be read any more, and why.
    ///
    /// # Errors
    /// Those of the store.
    pub fn unreadable_commit(&mut self, job: JobKey) -> Result<Option<(String, String)>, Error> {
        let Some((_, commit, files)) = self.commit(job)? else { return Ok(None) };
        Ok(files.as_ref().err().map(|reason| (commit.to_owned(), reason.clone())))
    }

    /// Returns the git state of a job, its commit, and what is known of that commit's files; `None`: there was no commit.
    fn commit(&mut self, job: JobKey) -> Result<Option<(&GitState, &str, &Tracked)>, Error> {
        if !self.states.contains_key(&job) {
            let state = self.store.git(job)?;
            self.states.insert(job, state);
        }
        let Some(Some(state)) = self.states.get(&job) else { return Ok(None) };
        let Some(commit) = &state.commit else { return Ok(None) };
        let key = (state.top_level.clone(), commit.clone());
        let files = self.commits.entry(key).or_insert_with(|| tracked(state.top_level.as_path(), commit));
        Ok(Some((state, commit, files)))
    }
}

/// Returns the path relative to a directory above it.
pub(crate) fn within<'p>(directory: &PathBytes, path: &'p [u8]) -> Option<&'p [u8]> {
    path.strip_prefix(directory.as_bytes())?.strip_prefix(b"/")
}
