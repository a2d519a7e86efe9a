//! The state of a repository, found out while the caller sets up the run.

use std::path::Path;
use std::time::Duration;

use crate::git::program::Asked;
use crate::git::repository::{Head, Repository};
use crate::git::status::{self, Status};
use crate::git::{GitState, WorkTree};

/// What is asked of `git status`.
const STATUS: &[&str] = &[
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "--untracked-files=no",
    "--ignore-submodules=untracked",
];

/// Output that is read at most, bytes: a hundred thousand changed files.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// A repository whose state is being found out.
#[derive(Debug)]
pub struct GitProbe {
    found: Option<Found>,
}

#[derive(Debug)]
struct Found {
    repository: Repository,
    head: Option<Head>,
    asked: Result<Asked, String>,
}

impl GitProbe {
    /// Looks for the repository around `dir`, an absolute path, and starts `git status` in it. Returns at once.
    pub fn start(dir: &Path) -> Self {
        let found = Repository::find(dir).map(|repository| {
            let asked = Asked::git(&repository.top_level, "status", STATUS);
            Found { head: repository.head(), repository, asked }
        });
        Self { found }
    }

    /// Returns the top of the work tree, which is known from the start; `None` outside of any repository.
    pub fn top_level(&self) -> Option<&Path> {
        self.found.as_ref().map(|found| found.repository.top_level.as_path())
    }

    /// Returns the state, waiting for git at most that long; `None` outside of any repository.
    pub fn wait(self, timeout: Duration) -> Option<GitState> {
        let Found { repository, head, asked } = self.found?;
        let answer = asked.and_then(|asked| asked.wait(timeout, OUTPUT_BYTES_MAX));
        let (told, work_tree) = match answer {
            Ok((output, is_complete)) => {
                let Status { head, changed } = status::parse(&output);
                let is_clean = changed.is_empty() && is_complete;
                let dirty = WorkTree::Dirty { changed, is_complete };
                (head, if is_clean { WorkTree::Clean } else { dirty })
            }
            Err(reason) => (Head::default(), WorkTree::Unknown { reason }),
        };
        let Head { branch, commit } = head.unwrap_or(told);
        let remote_url = repository.remote_url(branch.as_deref());
        Some(GitState { top_level: repository.top_level, commit, branch, remote_url, work_tree })
    }
}
