//! Python distributions: what the `*.dist-info` and `*.egg-info` of a `site-packages` say of the files beside them
//! ("Recording installed projects", packaging.python.org).

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::bounded;
use crate::packages::{Manager, Package, below, source_of};

/// Names of the directories that distributions are installed into; the second is Debian's.
const CONTAINERS: &[&str] = &["site-packages", "dist-packages"];

/// Longest list of a distribution's files, bytes: the longest known has a few megabytes.
const RECORD_BYTES_MAX: u64 = 64 << 20;

/// Longest description that is read, bytes: name and version come first, but some have long texts.
const METADATA_BYTES_MAX: u64 = 4 << 20;

/// Returns the directories, as paths below `root`, whose distributions may own the path.
pub(super) fn containers(path: &Path, root: &Path) -> Vec<PathBuf> {
    let is_container =
        |dir: &&Path| dir.file_name().is_some_and(|name| CONTAINERS.iter().any(|known| name == *known));
    if let Some(container) = path.ancestors().skip(1).find(is_container) {
        return vec![container.to_owned()];
    }
    let prefix =
        path.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "bin")).and_then(Path::parent);
    prefix
        .filter(|prefix| !matches!(prefix.to_str(), Some("/" | "/usr")))
        .map_or_else(Vec::new, |prefix| scripts_of(prefix, root))
}

/// Returns the containers whose distributions install programs into `bin` of the same prefix: an environment's.
fn scripts_of(prefix: &Path, root: &Path) -> Vec<PathBuf> {
    let lib = prefix.join("lib");
    let Ok(entries) = fs::read_dir(below(root, &lib)) else {
        return Vec::new();
    };
    let versions = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let is_python = |name: &OsString| name.as_bytes().starts_with(b"python");
    versions
        .filter(is_python)
        .flat_map(|name| CONTAINERS.iter().map(|last| lib.join(&name).join(last)).collect::<Vec<_>>())
        .collect()
}

/// One `site-packages`.
pub(super) struct Container<'a> {
    /// Where it is, below `root`.
    pub(super) path: &'a Path,
    pub(super) root: &'a Path,
}

/// Paths still without an owner, relative to the container as a RECORD writes them, with their indices.
type Wanted = FxHashMap<Vec<u8>, Vec<usize>>;

impl Container<'_> {
    /// Returns the distribution of each path, in the order of the paths.
    pub(super) fn find(&self, paths: &[&Path]) -> Vec<Option<Package>> {
        let mut owners = vec![None; paths.len()];
        let mut wanted = self.wanted(paths);
        let distributions = self.distributions(&wanted);
        // What a distribution lists is certain, so all are asked for that before any is asked to guess.
        for owned in [Distribution::listed as fn(&Distribution, &Wanted) -> Vec<usize>, Distribution::guessed]
        {
            for distribution in &distributions {
                if wanted.is_empty() {
                    return owners;
                }
                let indices = owned(distribution, &wanted);
                if indices.is_empty() {
                    continue;
                }
                let package = distribution.package();
                for index in indices {
                    owners[index].clone_from(&package);
                }
                wanted.retain(|_, wanting| wanting.iter().any(|index| owners[*index].is_none()));
            }
        }
        owners
    }

    fn wanted(&self, paths: &[&Path]) -> Wanted {
        let mut wanted = Wanted::default();
        for (index, path) in paths.iter().enumerate() {
            let Some(relative) = self.relative(path) else {
                continue;
            };
            if let Some(source) = source_of(&relative) {
                wanted.entry(source).or_default().push(index);
            }
            wanted.entry(relative).or_default().push(index);
        }
        wanted
    }

    /// Returns the path as it stands in a RECORD: with `..` where it is beside the container, as programs are.
    fn relative(&self, path: &Path) -> Option<Vec<u8>> {
        let mut up = Vec::new();
        for dir in self.path.ancestors() {
            if let Ok(rest) = path.strip_prefix(dir) {
                up.extend_from_slice(rest.as_os_str().as_bytes());
                return Some(up);
            }
            up.extend_from_slice(b"../");
        }
        None
    }

    /// Returns the distributions, those first that are named as the directories of the wanted paths: they mostly have
    /// them, and then no other need be read.
    fn distributions(&self, wanted: &Wanted) -> Vec<Distribution> {
        let directory = below(self.root, self.path);
        let Ok(entries) = fs::read_dir(&directory) else {
            return Vec::new();
        };
        let tops: Vec<Vec<u8>> = wanted.keys().map(|path| normalize(first_part(path))).collect();
        let new = |name: OsString| Distribution::new(&directory, &name);
        let mut distributions: Vec<Distribution> =
            entries.filter_map(|entry| new(entry.ok()?.file_name())).collect();
        distributions.sort_by_cached_key(|found| (!tops.contains(&found.normal_name), found.info.clone()));
        distributions
    }
}

fn first_part(relative: &[u8]) -> &[u8] {
    relative.split(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Returns the name of a module or distribution as names are compared: without suffix, in lower case, one separator.
fn normalize(name: &[u8]) -> Vec<u8> {
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    stem.iter().map(|byte| if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() }).collect()
}

/// One installed distribution.
struct Distribution {
    /// Its `*.dist-info` or `*.egg-info`: a directory, or a file of old.
    info: PathBuf,
    /// What the name of `info` says.
    name: String,
    version: String,
    normal_name: Vec<u8>,
}

impl Distribution {
    fn new(container: &Path, file_name: &OsStr) -> Option<Self> {
        let text = file_name.to_str()?;
        let stem = text.strip_suffix(".dist-info").or_else(|| text.strip_suffix(".egg-info"))?;
        let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
        // An egg's name goes on with the version of Python: `six-1.16.0-py3.8`.
        let version = version.split("-py").next().unwrap_or_default();
        Some(Self {
            info: container.join(file_name),
            name: name.to_owned(),
            version: version.to_owned(),
            normal_name: normalize(name.as_bytes()),
        })
    }

    /// Returns the indices of the wanted paths that the distribution lists.
    fn listed(&self, wanted: &Wanted) -> Vec<usize> {
        let mut indices = Vec::new();
        if let Some(record) = bounded::read(&self.info.join("RECORD"), RECORD_BYTES_MAX) {
            for path in record.split(|byte| *byte == b'\n').map(recorded_path) {
                indices.extend(wanted.get(path.as_ref()).into_iter().flatten());
            }
        } else if let Some(files) = bounded::read(&self.info.join("installed-files.txt"), RECORD_BYTES_MAX) {
            // Relative to the egg-info itself.
            let name = self.info.file_name().unwrap_or_default();
            for line in files.split(|byte| *byte == b'\n') {
                let path = collapse(&Path::new(name).join(OsStr::from_bytes(line.trim_ascii())));
                indices.extend(wanted.get(path.as_os_str().as_bytes()).into_iter().flatten());
            }
        }
        indices
    }

    /// Returns the indices of the wanted paths that lie in the distribution's top-level modules or in its own
    /// description. Only for one without a list: Debian leaves them out.
    fn guessed(&self, wanted: &Wanted) -> Vec<usize> {
        if ["RECORD", "installed-files.txt"]
            .iter()
            .any(|list| fs::symlink_metadata(self.info.join(list)).is_ok())
        {
            return Vec::new();
        }
        let tops = match bounded::read(&self.info.join("top_level.txt"), METADATA_BYTES_MAX) {
            Some(text) => {
                text.split(|byte| *byte == b'\n').map(|line| normalize(line.trim_ascii())).collect()
            }
            None => vec![self.normal_name.clone()],
        };
        let info_name = self.info.file_name().unwrap_or_default().as_bytes();
        let is_own = |path: &[u8]| {
            let first = first_part(path);
            first == info_name || first != b".." && tops.contains(&normalize(first)) && !is_info(first)
        };
        wanted.iter().filter(|(path, _)| is_own(path)).flat_map(|(_, indices)| indices).copied().collect()
    }

    fn package(&self) -> Option<Package> {
        let sources = [self.info.join("METADATA"), self.info.join("PKG-INFO"), self.info.clone()];
        let text =
            sources.iter().find_map(|path| bounded::read(path, METADATA_BYTES_MAX)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let headers = || text.lines().take_while(|line| !line.trim().is_empty());
        let header = |name: &str| {
            headers().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        let name = header("Name:").unwrap_or_else(|| self.name.clone());
        let version = header("Version:").unwrap_or_else(|| self.version.clone());
        let is_known = !name.is_empty();
        is_known.then_some(Package { manager: Manager::Python, name, version, architecture: None })
    }
}

fn is_info(name: &[u8]) -> bool {
    name.ends_with(b".dist-info") || name.ends_with(b".egg-info")
}

/// Returns the first field of a line of a RECORD, which is CSV.
fn recorded_path(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(quoted) = line.strip_prefix(b"\"") else {
        return Cow::Borrowed(line.split(|byte| *byte == b',').next().unwrap_or_default());
    };
    let mut path = Vec::new();
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
            break;
        }
        path.push(byte);
    }
    Cow::Owned(path)
}

/// Takes `x/..` out of a relative path.
fn collapse(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        let can_go_up = out.file_name().is_some();
        match part {
            Component::ParentDir if can_go_up => {
                out.pop();
            }
            Component::CurDir => {}
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                out.push(part)
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_record_line_is_its_first_field() {
        let path =
            |line: &'static str| String::from_utf8(recorded_path(line.as_bytes()).into_owned()).unwrap();
        assert_eq!(path("a/b.py,sha256=x,12"), "a/b.py");
        assert_eq!(path("\"a,\"\"b\"\".py\",sha256=x,12\r"), "a,\"b\".py");
        assert_eq!(path(""), "");
    }

    #[test]
    fn going_up_from_the_description_is_collapsed() {
        assert_eq!(collapse(Path::new("x.egg-info/../x/y.py")), Path::new("x/y.py"));
        assert_eq!(collapse(Path::new("x.egg-info/../../../bin/y")), Path::new("../../bin/y"));
    }
}
