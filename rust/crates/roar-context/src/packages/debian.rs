//! dpkg's database: one list of paths for each package, and `status` with the versions.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::bounded;
use crate::packages::{Manager, Package, source_of};

/// Rewritten whenever dpkg does anything.
pub(super) const STATUS: &str = "var/lib/dpkg/status";

/// Has a list of paths for each package.
const INFO: &str = "var/lib/dpkg/info";

/// Has the files that one package put aside for another (dpkg-divert(1)).
const DIVERSIONS: &str = "var/lib/dpkg/diversions";

/// Longest list or status file that is read, bytes: some ten times the longest known.
const BYTES_MAX: u64 = 256 << 20;

/// Directories at the root that packages install into.
const INSTALLED: &[&[u8]] = &[
    b"bin", b"boot", b"etc", b"lib", b"lib32", b"lib64", b"libo32", b"libx32", b"opt", b"sbin", b"srv",
    b"usr", b"var",
];

/// Directories that are links into `/usr` where the file system hierarchy is merged.
const MERGED: &[&[u8]] = &[b"bin", b"lib", b"lib32", b"lib64", b"libo32", b"libx32", b"sbin"];

/// Returns whether the path is where packages install files.
pub(super) fn may_own(path: &[u8]) -> bool {
    let first =
        path.strip_prefix(b"/").unwrap_or_default().split(|byte| *byte == b'/').next().unwrap_or_default();
    INSTALLED.contains(&first) && !path.starts_with(b"/usr/local/")
}

/// Returns the package of each path, in the order of the paths.
pub(super) fn find(paths: &[&Path], root: &Path) -> Vec<Option<Package>> {
    let owners = Search::new(paths, root).scan();
    let versions = Versions::read(root, &owners);
    owners.into_iter().map(|owner| versions.package(&owner?)).collect()
}

/// A package as the name of its list has it: `libc6:amd64`, `bash`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ListName {
    name: String,
    architecture: Option<String>,
}

impl ListName {
    fn new(file_name: &OsStr) -> Option<Self> {
        let stem = file_name.to_str()?.strip_suffix(".list")?;
        let (name, architecture) = match stem.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture.to_owned())),
            None => (stem, None),
        };
        Some(Self { name: name.to_owned(), architecture })
    }
}

/// A file of one package that was put aside when another brought its own.
struct Diversion {
    aside: Vec<u8>,
    by: String,
}

/// The lists being searched.
struct Search<'a> {
    root: &'a Path,
    /// Those of [`MERGED`] that are links here.
    merged: Vec<&'static [u8]>,
    /// Indices of the wanted paths, by their shortest name.
    wanted: FxHashMap<Vec<u8>, Vec<usize>>,
    diversions: FxHashMap<Vec<u8>, Diversion>,
    owners: Vec<Option<ListName>>,
}

impl<'a> Search<'a> {
    fn new(paths: &[&Path], root: &'a Path) -> Self {
        let is_link = |name: &&&[u8]| {
            let metadata = fs::symlink_metadata(root.join(OsStr::from_bytes(name)));
            metadata.is_ok_and(|metadata| metadata.is_symlink())
        };
        let merged = MERGED.iter().filter(is_link).copied().collect();
        let owners = vec![None; paths.len()];
        let mut search =
            Self { root, merged, wanted: FxHashMap::default(), diversions: FxHashMap::default(), owners };
        for (index, path) in paths.iter().enumerate() {
            let path = path.as_os_str().as_bytes();
            // Packages compile Python files when they are configured, and do not list the result.
            for wanted in [Some(path), source_of(path).as_deref()].into_iter().flatten() {
                let key = search.key(wanted).to_vec();
                search.wanted.entry(key).or_default().push(index);
            }
        }
        search.read_diversions();
        search
    }

    /// Returns the name of a path without `/usr` where `/usr/lib` and `/lib` are the same: lists have either.
    fn key<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        let short = path.strip_prefix(b"/usr").filter(|rest| {
            let first = rest.split(|byte| *byte == b'/').nth(1).unwrap_or_default();
            self.merged.contains(&first)
        });
        short.unwrap_or(path)
    }

    /// Reads groups of three lines: the path, where it went, and the package that wanted the path for itself.
    fn read_diversions(&mut self) {
        let Some(text) = bounded::read(&self.root.join(DIVERSIONS), BYTES_MAX) else {
            return;
        };
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        for group in lines.chunks_exact(3) {
            let diversion = Diversion {
                aside: self.key(group[1]).to_vec(),
                by: String::from_utf8_lossy(group[2]).into_owned(),
            };
            let from = self.key(group[0]).to_vec();
            // So that the scan, which looks up nothing but wanted paths, stops at this one.
            self.wanted.entry(from.clone()).or_default();
            self.diversions.insert(from, diversion);
        }
    }

    fn scan(mut self) -> Vec<Option<ListName>> {
        let Ok(entries) = fs::read_dir(self.root.join(INFO)) else {
            return self.owners;
        };
        let mut lists: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // Which of two packages that list the same path is told must not depend on the order of a directory.
        lists.sort_unstable();
        let mut text = Vec::new();
        for path in lists {
            let Some(list) = path.file_name().and_then(ListName::new) else {
                continue;
            };
            if bounded::read_into(&path, BYTES_MAX, &mut text) {
                self.scan_list(&list, &text);
            }
        }
        self.owners
    }

    fn scan_list(&mut self, list: &ListName, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            let key = self.key(line);
            let Some(mut indices) = self.wanted.get(key) else {
                continue;
            };
            if let Some(diversion) = self.diversions.get(key).filter(|diversion| diversion.by != list.name) {
                let Some(aside) = self.wanted.get(&diversion.aside) else {
                    continue;
                };
                indices = aside;
            }
            for &index in indices {
                self.owners[index].get_or_insert_with(|| list.clone());
            }
        }
    }
}

/// The versions of the packages that were found.
struct Versions(FxHashMap<String, Vec<Stanza>>);

struct Stanza {
    version: String,
    architecture: String,
}

impl Versions {
    fn read(root: &Path, owners: &[Option<ListName>]) -> Self {
        let mut versions: FxHashMap<String, Vec<Stanza>> = FxHashMap::default();
        for owner in owners.iter().flatten() {
            versions.entry(owner.name.clone()).or_default();
        }
        if versions.is_empty() {
            return Self(versions);
        }
        let text = bounded::read(&root.join(STATUS), BYTES_MAX).unwrap_or_default();
        let mut current: Option<&mut Vec<Stanza>> = None;
        for line in text.split(|byte| *byte == b'\n') {
            let field = |name: &[u8]| {
                line.strip_prefix(name).map(|value| String::from_utf8_lossy(value).into_owned())
            };
            if let Some(name) = field(b"Package: ") {
                current = versions.get_mut(&name);
                if let Some(stanzas) = &mut current {
                    stanzas.push(Stanza { version: String::new(), architecture: String::new() });
                }
            }
            let Some(stanza) = current.as_mut().and_then(|stanzas| stanzas.last_mut()) else {
                continue;
            };
            if let Some(version) = field(b"Version: ") {
                stanza.version = version;
            } else if let Some(architecture) = field(b"Architecture: ") {
                stanza.architecture = architecture;
            }
        }
        Self(versions)
    }

    fn package(&self, owner: &ListName) -> Option<Package> {
        let is_it = |stanza: &&Stanza| {
            owner.architecture.as_ref().is_none_or(|wanted| *wanted == stanza.architecture)
        };
        let Stanza { version, architecture } = self.0.get(&owner.name)?.iter().find(is_it)?;
        Some(Package {
            manager: Manager::Debian,
            name: owner.name.clone(),
            version: version.clone(),
            architecture: Some(architecture.clone()),
        })
    }
}
