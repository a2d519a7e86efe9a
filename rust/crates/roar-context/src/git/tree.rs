//! Which files a commit has.

use std::path::Path;
use std::time::Duration;

use rustc_hash::FxHashSet;
use tracer_schema::PathBytes;

use crate::git::program::Asked;

/// List that is read at most, bytes: a million files.
const LIST_BYTES_MAX: usize = 128 << 20;

/// How long git may take to list them.
const LIST_TIME: Duration = Duration::from_secs(30);

/// Returns the paths of a commit's files, relative to the top of the work tree; or why they cannot be had, in words.
///
/// # Errors
/// There is no git, no such repository or no such commit.
pub fn tracked(top_level: &Path, commit: &str) -> Result<FxHashSet<PathBytes>, String> {
    let asked = Asked::git(top_level, "ls-tree", &["-r", "-z", "--full-tree", "--name-only", commit])?;
    let (list, is_whole) = asked.wait(LIST_TIME, LIST_BYTES_MAX)?;
    if !is_whole {
        return Err("the commit has too many files".to_owned());
    }
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(PathBytes::from).collect())
}
