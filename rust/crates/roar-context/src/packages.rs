//! The installed packages that files belong to: Debian packages and Python distributions.

mod debian;
mod python;

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use tracer_schema::FileStamp;

use python::Container;

/// Who installed a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// dpkg.
    Debian,
    /// pip and its kin.
    Python,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Package {
    /// Who installed it.
    pub manager: Manager,
    /// Its name, as the manager writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, where the manager knows of such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
}

/// The packages that a file belongs to: both, where Debian has packaged a Python distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// The Debian package.
    pub debian: Option<Package>,
    /// The Python distribution.
    pub python: Option<Package>,
}

/// Answers known from before. A database of packages is named by its stamp: whenever anything is installed or removed,
/// it has another one.
pub trait PackageCache {
    /// Returns what was stored: `Some(None)` says that the path belongs to no package of that database, which is one of that manager's.
    fn lookup(&self, path: &Path, manager: Manager, database: &FileStamp) -> Option<Option<Package>>;

    /// Keeps an answer.
    fn store(&self, path: &Path, manager: Manager, database: &FileStamp, package: Option<&Package>);
}

/// A cache that knows nothing and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPackageCache;

impl PackageCache for NoPackageCache {
    fn lookup(&self, _path: &Path, _manager: Manager, _database: &FileStamp) -> Option<Option<Package>> {
        None
    }

    fn store(&self, _path: &Path, _manager: Manager, _database: &FileStamp, _package: Option<&Package>) {}
}

/// Returns the owners of each path, in the order of the paths, which are absolute and below `root` (`/`, but for tests).
///
/// A database is scanned once a call, and only if the cache does not have the answer for some path that may be in it. A
/// database that cannot be read owns nothing.
pub fn find_owners(paths: &[&Path], root: &Path, cache: &dyn PackageCache) -> Vec<Owners> {
    let mut owners = vec![Owners::default(); paths.len()];
    find_debian(paths, root, cache, &mut owners);
    find_python(paths, root, cache, &mut owners);
    owners
}

fn find_debian(paths: &[&Path], root: &Path, cache: &dyn PackageCache, owners: &mut [Owners]) {
    let Some(database) = stamp_of(&root.join(debian::STATUS)) else {
        return;
    };
    let is_candidate = |index: &usize| debian::may_own(paths[*index].as_os_str().as_bytes());
    let question = Question { paths, cache, manager: Manager::Debian, database };
    let candidates = (0..paths.len()).filter(is_candidate).collect();
    let scan = |missing: &[&Path]| debian::find(missing, root);
    question.answer(candidates, scan, |index, package| owners[index].debian = package);
}

fn find_python(paths: &[&Path], root: &Path, cache: &dyn PackageCache, owners: &mut [Owners]) {
    let mut by_container: FxHashMap<PathBuf, Vec<usize>> = FxHashMap::default();
    for (index, path) in paths.iter().enumerate() {
        for container in python::containers(path, root) {
            by_container.entry(container).or_default().push(index);
        }
    }
    for (container, candidates) in by_container {
        let Some(database) = stamp_of(&below(root, &container)) else {
            continue;
        };
        let question = Question { paths, cache, manager: Manager::Python, database };
        let scan = |missing: &[&Path]| Container { path: &container, root }.find(missing);
        question.answer(candidates, scan, |index, package| {
            if package.is_some() {
                owners[index].python = package;
            }
        });
    }
}

/// Which package of one database owns some of the paths.
struct Question<'a> {
    paths: &'a [&'a Path],
    cache: &'a dyn PackageCache,
    manager: Manager,
    database: FileStamp,
}

impl Question<'_> {
    /// Answers from the cache where it can, else by a scan, which the cache then remembers.
    fn answer(
        &self,
        candidates: Vec<usize>,
        scan: impl FnOnce(&[&Path]) -> Vec<Option<Package>>,
        mut each: impl FnMut(usize, Option<Package>),
    ) {
        let Self { paths, cache, manager, database } = self;
        let mut missing = Vec::new();
        for index in candidates {
            match cache.lookup(paths[index], *manager, database) {
                Some(package) => each(index, package),
                None => missing.push(index),
            }
        }
        if missing.is_empty() {
            return;
        }
        let missing_paths: Vec<&Path> = missing.iter().map(|index| paths[*index]).collect();
        for (index, package) in missing.into_iter().zip(scan(&missing_paths)) {
            cache.store(paths[index], *manager, database, package.as_ref());
            each(index, package);
        }
    }
}

/// Returns where a path, absolute below `root`, really is.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Returns the source that a compiled file was made from: no list need name what Python compiles later.
fn source_of(path: &[u8]) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(path));
    let folder = path
        .parent()
        .filter(|folder| folder.file_name().is_some_and(|name| name == "__pycache__"))?
        .parent()?;
    let name = path.file_name()?.as_bytes();
    let module = name.split(|byte| *byte == b'.').next().filter(|_| name.ends_with(b".pyc"))?;
    let source = folder.join(OsStr::from_bytes(&[module, b".py"].concat()));
    Some(source.into_os_string().into_encoded_bytes())
}

fn stamp_of(path: &Path) -> Option<FileStamp> {
    let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
    let stamp = |metadata: Metadata| FileStamp {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        mode: metadata.mode(),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
    };
    std::fs::metadata(path).ok().map(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_file_leads_to_its_source() {
        let source = |path: &str| source_of(path.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(source("a/__pycache__/b.cpython-311.opt-1.pyc").as_deref(), Some("a/b.py"));
        assert_eq!(source("__pycache__/b.cpython-311.pyc").as_deref(), Some("b.py"));
        assert_eq!(source("a/b.pyc"), None);
    }
}
