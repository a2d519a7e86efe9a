//! Which paths are the machine's rather than the user's: system, packages, caches, temporary files.
//!
//! A path may be of several classes: `/usr/lib/python3/dist-packages/x.py` is a system file and a package's. It is left
//! out if any class that it is of is enabled.

mod rules;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use rules::{NAMES, PREFIXES, SUFFIXES, UNPROTECTED, USERS};

/// Why a path is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Caches, and the bookkeeping of version control and of roar itself.
    Cache,
    /// Installed packages of languages and their tools.
    Package,
    /// Temporary files.
    Temp,
    /// The operating system.
    System,
}

impl Class {
    /// Every class, the most telling first.
    pub const ALL: &[Self] = &[Self::Cache, Self::Package, Self::Temp, Self::System];

    /// Returns the name, which is the last part of its configuration key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Package => "packages",
            Self::Temp => "temp",
            Self::System => "system",
        }
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// No class.
    pub const NONE: Self = Self(0);

    /// Every class.
    pub fn all() -> Self {
        Class::ALL.iter().copied().collect()
    }

    /// Returns the set with one class more.
    #[must_use]
    pub fn with(self, class: Class) -> Self {
        Self(self.0 | 1 << class as u8)
    }

    /// Returns whether the class is in the set.
    pub fn contains(self, class: Class) -> bool {
        self.0 & 1 << class as u8 != 0
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Where a run takes place. All paths are absolute, with links resolved, as those of the files are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The user's home.
    pub home: Option<&'a Path>,
    /// The top of the project: of the git repository, or the directory that has `.roar`.
    pub project_root: Option<&'a Path>,
    /// Where the command was started.
    pub cwd: Option<&'a Path>,
    /// `$TMPDIR`.
    pub temp_dir: Option<&'a Path>,
    /// Tops of active environments (`$VIRTUAL_ENV`, `$CONDA_PREFIX`): all in them is a package's.
    pub environments: &'a [&'a Path],
}

/// Tells the machine's paths from the user's.
#[derive(Clone, Debug)]
pub struct Filter {
    enabled: Classes,
    prefixes: Vec<(Vec<u8>, Class)>,
    /// Rules by the first part of their pattern.
    names: FxHashMap<&'static [u8], Vec<(&'static [&'static str], Class)>>,
    /// Below it, caches and packages are told by what lies below it: a project may itself be in a cache.
    project_root: Option<Vec<u8>>,
    /// What is below these is neither the system's nor temporary.
    protected: Vec<Vec<u8>>,
    /// What is below these is not the system's.
    users: Vec<Vec<u8>>,
}

impl Filter {
    /// Returns a filter that leaves out what is of the enabled classes.
    pub fn new(surroundings: &Surroundings<'_>, enabled: Classes) -> Self {
        let Surroundings { home, project_root, cwd, temp_dir, environments } = *surroundings;
        let own = |dir: Option<&Path>| dir.filter(|dir| is_own(dir)).map(bytes_of);
        let project_root = own(project_root);
        let protected = project_root.clone().into_iter().chain(own(cwd)).collect();
        let users = own(home).into_iter().chain(USERS.iter().map(|dir| dir.as_bytes().to_vec())).collect();
        let mut prefixes = Vec::with_capacity(PREFIXES.len() + environments.len() + 1);
        for (prefix, class) in PREFIXES {
            match (prefix.strip_prefix("~/"), home) {
                (None, _) => prefixes.push((prefix.as_bytes().to_vec(), *class)),
                (Some(rest), Some(home)) => prefixes.push((bytes_of(&home.join(rest)), *class)),
                (Some(_), None) => {}
            }
        }
        prefixes.extend(own(temp_dir).map(|dir| (dir, Class::Temp)));
        prefixes.extend(environments.iter().filter_map(|dir| Some((own(Some(dir))?, Class::Package))));
        let mut names: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for (pattern, class) in NAMES {
            let first = pattern.first().map_or(&b""[..], |first| first.as_bytes());
            names.entry(first).or_default().push((*pattern, *class));
        }
        Self { enabled, prefixes, names, project_root, protected, users }
    }

    /// Returns why the path, which is absolute, is left out; `None` if it is not.
    pub fn excludes(&self, path: &[u8]) -> Option<Class> {
        let classes = self.classes(path);
        Class::ALL.iter().copied().find(|class| self.enabled.contains(*class) && classes.contains(*class))
    }

    /// Returns the classes that the path is of, enabled or not.
    pub fn classes(&self, path: &[u8]) -> Classes {
        let is_below_any = |dirs: &[Vec<u8>]| dirs.iter().any(|dir| is_below(path, dir));
        let is_protected = is_below_any(&self.protected);
        let is_users = is_protected || is_below_any(&self.users);
        let applies = |class: Class| match class {
            Class::Cache | Class::Package => true,
            Class::Temp => !is_protected,
            Class::System => !is_users,
        };
        let project_root = self.project_root.as_deref().filter(|root| is_below(path, root));
        // Rules look at the path from here on.
        let start = project_root.map_or(0, <[u8]>::len);
        let prefixes =
            self.prefixes.iter().filter(|(prefix, _)| prefix.len() > start && is_below(path, prefix));
        let suffixes = SUFFIXES.iter().filter(|(suffix, _)| path.ends_with(suffix.as_bytes()));
        let by_prefix = prefixes.map(|(_, class)| *class);
        let by_suffix = suffixes.map(|(_, class)| *class);
        by_prefix
            .chain(by_suffix)
            .chain(self.by_names(&path[start..]))
            .filter(|class| applies(*class))
            .collect()
    }

    fn by_names(&self, path: &[u8]) -> impl Iterator<Item = Class> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        slashes.map(|at| &path[at + 1..]).flat_map(|rest| {
            let rules = self.names.get(first_part(rest)).map(Vec::as_slice).unwrap_or_default();
            rules.iter().filter(|(pattern, _)| matches(rest, pattern)).map(|(_, class)| *class)
        })
    }
}

fn first_part(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Returns whether a path begins with those parts; `*` stands for any one.
fn matches(path: &[u8], pattern: &[&str]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    pattern.iter().all(|wanted| parts.next().is_some_and(|part| *wanted == "*" || wanted.as_bytes() == part))
}

/// Returns whether the path is `dir` or lies below it.
fn is_below(path: &[u8], dir: &[u8]) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Returns whether a directory can be somebody's own. Who works in `/` or in `/usr` does not own the machine.
fn is_own(dir: &Path) -> bool {
    let dir = bytes_of(dir);
    dir.starts_with(b"/") && !UNPROTECTED.iter().any(|system| is_below(system.as_bytes(), &dir))
}

/// Returns the bytes without a final slash; of the root, nothing but that.
fn bytes_of(dir: &Path) -> Vec<u8> {
    let tidy: PathBuf = dir.components().collect();
    let bytes = tidy.as_os_str().as_bytes();
    bytes.strip_suffix(b"/").unwrap_or(bytes).to_vec()
}

#[cfg(test)]
mod tests;
