//! The state of the git repository around a directory.

mod config;
mod patch;
mod probe;
mod program;
mod repository;
mod status;
mod tree;

use std::path::PathBuf;

use tracer_schema::PathBytes;

pub use patch::{PATCH_BYTES_MAX, Uncommitted, uncommitted};
pub use probe::GitProbe;
pub use tree::tracked;

/// What is known of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitState {
    /// The top of the work tree.
    pub top_level: PathBuf,
    /// The commit that is checked out; `None` on a branch without commits, or if that could not be found out.
    pub commit: Option<String>,
    /// The branch; `None` if HEAD is detached, or if that could not be found out.
    pub branch: Option<String>,
    /// Where the branch's remote is, else `origin`, else the only remote; without any credentials.
    pub remote_url: Option<String>,
    /// Whether tracked files differ from the commit.
    pub work_tree: WorkTree,
}

/// Whether tracked files differ from the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkTree {
    /// None does.
    Clean,
    /// Some do.
    Dirty {
        /// Which, relative to the top of the work tree, sorted.
        changed: Vec<PathBytes>,
        /// Whether these are all.
        is_complete: bool,
    },
    /// That could not be found out.
    Unknown {
        /// Why: words for a person.
        reason: String,
    },
}
