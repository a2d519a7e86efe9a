//! Changes that are not committed, so that what ran can be had again.

use std::path::Path;
use std::time::Duration;

use crate::git::program::Asked;

/// Longest patch that is kept, bytes: some hundred thousand lines. What is longer is data rather than a change of the code.
pub const PATCH_BYTES_MAX: usize = 4 << 20;

/// How a patch is written: so that git apply takes it back whatever the user's configuration says.
const DIFF: &[&str] = &[
    "--binary",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--ignore-submodules=dirty",
    "HEAD",
];

/// The changes of tracked files that are not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    /// As `git diff --binary HEAD` writes them.
    Patch(Vec<u8>),
    /// They are not to be had: words for a person.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Returns the changes in a work tree, waiting for git at most that long.
pub fn uncommitted(top_level: &Path, timeout: Duration) -> Uncommitted {
    match Asked::git(top_level, "diff", DIFF).and_then(|asked| asked.wait(timeout, PATCH_BYTES_MAX)) {
        Ok((patch, true)) => Uncommitted::Patch(patch),
        Ok((_, false)) => {
            Uncommitted::Unknown { reason: format!("they are longer than {} MiB", PATCH_BYTES_MAX >> 20) }
        }
        Err(reason) => Uncommitted::Unknown { reason },
    }
}
