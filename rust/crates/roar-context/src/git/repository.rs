//! Finding a repository and its HEAD by reading files, as gitrepository-layout(5) describes them: a tenth of a
//! millisecond, where starting the git program takes several.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::bounded;
use crate::git::config;

/// Longest HEAD, loose reference or `gitdir:` file, bytes: a path and a word.
const SMALL_BYTES_MAX: u64 = 8 << 10;

/// Longest `config` that is read, bytes.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// Longest `packed-refs` that is read, bytes: some two million references.
const PACKED_BYTES_MAX: u64 = 256 << 20;

/// Most symbolic references in a row (git: SYMREF_MAXDEPTH in refs/refs-internal.h).
const SYMBOLIC_MAX: usize = 5;

/// Where a repository is.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The top of the work tree.
    pub(crate) top_level: PathBuf,
    /// What belongs to this work tree: HEAD.
    git_dir: PathBuf,
    /// What all work trees share: references, configuration.
    common_dir: PathBuf,
}

/// What is checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) branch: Option<String>,
    pub(crate) commit: Option<String>,
}

impl Repository {
    /// Returns the repository whose work tree `dir` lies in.
    pub(crate) fn find(dir: &Path) -> Option<Self> {
        dir.ancestors().find_map(Self::at)
    }

    fn at(top_level: &Path) -> Option<Self> {
        let dot_git = top_level.join(".git");
        // A directory almost always; a file in a linked work tree or a submodule.
        let git_dir = match bounded::read(&dot_git, SMALL_BYTES_MAX) {
            Some(text) => top_level.join(path_after(&text, b"gitdir:")?),
            None => dot_git,
        };
        bounded::read(&git_dir.join("HEAD"), SMALL_BYTES_MAX)?;
        let common_dir = match bounded::read(&git_dir.join("commondir"), SMALL_BYTES_MAX) {
            Some(text) => git_dir.join(path_after(&text, b"")?),
            None => git_dir.clone(),
        };
        Some(Self { top_level: top_level.to_owned(), git_dir, common_dir })
    }

    /// Returns what is checked out, or `None` where only the git program can tell (references in a reftable).
    pub(crate) fn head(&self) -> Option<Head> {
        let text = bounded::read_text(&self.git_dir.join("HEAD"), SMALL_BYTES_MAX)?;
        let Some(reference) = text.strip_prefix("ref:") else {
            return object_id(&text).map(|commit| Head { branch: None, commit: Some(commit) });
        };
        let reference = reference.trim();
        // What git writes into HEAD where old versions would misread the references.
        if reference == "refs/heads/.invalid" {
            return None;
        }
        let branch = reference.strip_prefix("refs/heads/").map(str::to_owned);
        Some(Head { branch, commit: self.resolve(reference, SYMBOLIC_MAX) })
    }

    fn resolve(&self, reference: &str, depth: usize) -> Option<String> {
        let is_path = reference.starts_with("refs/") && !reference.split('/').any(|part| part == "..");
        if depth == 0 || !is_path {
            return None;
        }
        let loose = |dir: &Path| bounded::read_text(&dir.join(reference), SMALL_BYTES_MAX);
        let Some(text) = loose(&self.git_dir).or_else(|| loose(&self.common_dir)) else {
            return self.packed(reference);
        };
        match text.strip_prefix("ref:") {
            Some(target) => self.resolve(target.trim(), depth - 1),
            None => object_id(&text),
        }
    }

    fn packed(&self, reference: &str) -> Option<String> {
        let packed = bounded::read(&self.common_dir.join("packed-refs"), PACKED_BYTES_MAX)?;
        let id_of = |line: &[u8]| {
            let id = line.strip_suffix(reference.as_bytes())?.strip_suffix(b" ")?;
            object_id(std::str::from_utf8(id).ok()?)
        };
        packed.split(|byte| *byte == b'\n').find_map(id_of)
    }

    /// Returns the URL of the remote of `branch`, else of `origin`, else of the only one; without credentials.
    pub(crate) fn remote_url(&self, branch: Option<&str>) -> Option<String> {
        let text = bounded::read(&self.common_dir.join("config"), CONFIG_BYTES_MAX)?;
        config::remote_url(&String::from_utf8_lossy(&text), branch)
    }
}

/// Returns the path that follows `prefix` on the first line.
fn path_after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a Path> {
    let path = text.strip_prefix(prefix)?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    (!path.is_empty()).then(|| Path::new(OsStr::from_bytes(path)))
}

/// Returns the id of an object, SHA-1 or SHA-256.
pub(crate) fn object_id(text: &str) -> Option<String> {
    let id = text.trim();
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}
