//! The symbolic links by which a run came to its inputs.
//!
//! Files are recorded where they are, and no tracer sees which links led there: the kernel follows them on its own. What the programs were
//! given does say it, as far as words of their command lines are names of files.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use roar_context::Filter;
use rustc_hash::{FxHashMap, FxHashSet};
use tracer_schema::{FileSummary, Found, Lookup, PathBytes, Role, TracerReport};

/// Names that are looked at on disk, at most: a build of ten thousand commands has some more, and they take 50 ms.
const LOOKS_MAX: usize = 20_000;

/// Links within a path that are followed, as many as the kernel does (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// What stands between names in a command that is handed on as one word, or between an option and its value.
const BETWEEN: &[u8] = b" \t\n\"'`=;|&<>(),:[]{}";

/// Returns the links that led from words of the command lines to inputs that lists show, each with the program that was given it first.
/// Links that the run has made itself, and those that lists leave out, are not among them.
pub(crate) fn links_of(report: &TracerReport, filter: &Filter) -> Vec<Lookup> {
    let own: FxHashSet<&[u8]> = report.files.iter().map(|file| file.path.as_bytes()).collect();
    let mut follower = Follower::default();
    let mut seen = FxHashSet::default();
    let mut links = Vec::new();
    let root = (&report.command, &report.cwd, report.command.first());
    let given = report.processes.iter().map(|process| (&process.argv, &process.cwd, Some(&process.exe)));
    for (words, cwd, program) in std::iter::once(root).chain(given) {
        for name in words.iter().flat_map(|word| names(word.as_bytes())) {
            if !seen.insert((cwd, name)) || own.contains(lexical(cwd, name).as_slice()) {
                continue;
            }
            let Some((led_to, led_by)) = follower.follow(cwd.as_path(), name) else { continue };
            if led_by.is_empty() || !is_input(&report.files, filter, led_to.as_os_str().as_bytes()) {
                continue;
            }
            for (link, target) in led_by {
                let path = PathBytes::from(link.as_os_str().as_bytes());
                if own.contains(path.as_bytes()) || filter.excludes(path.as_bytes()).is_some() {
                    continue;
                }
                let found = Found::Link { target: PathBytes::from(target.as_os_str().as_bytes()) };
                let program = program.cloned().unwrap_or_else(|| PathBytes::from(""));
                links.push(Lookup { path, found, program });
            }
        }
    }
    links.sort_by(|one, other| one.path.cmp(&other.path));
    links.dedup_by(|one, other| one.path == other.path);
    links
}

/// Returns what may be names of files in a word of a command line: the word, and its parts.
fn names(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = word.split(|byte| BETWEEN.contains(byte)).filter(move |part| part.len() < word.len());
    std::iter::once(word).chain(parts).filter(|name| !name.is_empty())
}

/// Returns the path that a name is if no link is on the way.
fn lexical(cwd: &PathBytes, name: &[u8]) -> Vec<u8> {
    // Nearly always, and there may be thousands.
    let is_plain = !name.starts_with(b".") && !name.windows(2).any(|pair| matches!(pair, b"/." | b"//"));
    if is_plain && cwd.as_bytes() != b"/" {
        return if name.starts_with(b"/") { name.to_vec() } else { [cwd.as_bytes(), b"/", name].concat() };
    }
    normal(&cwd.as_path().join(OsStr::from_bytes(name))).into_os_string().as_bytes().to_vec()
}

/// Returns the path without `.` and `..`, as it is written.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => normal.push(part),
        }
    }
    normal
}

/// Returns whether a path is that of an input that lists show, or of a directory that has some. The files are sorted by path.
fn is_input(files: &[FileSummary], filter: &Filter, path: &[u8]) -> bool {
    let from = files.partition_point(|file| file.path.as_bytes() < path);
    let below = files[from..].iter().take_while(|file| file.path.as_bytes().starts_with(path));
    let is_at_or_in = |file: &&FileSummary| matches!(file.path.as_bytes().get(path.len()), None | Some(b'/'));
    let inputs = below.filter(is_at_or_in).filter(|file| file.role == Role::Input);
    inputs.into_iter().any(|file| filter.excludes(file.path.as_bytes()).is_none())
}

/// What is at a path.
#[derive(Clone)]
enum Node {
    Nothing,
    Link(PathBuf),
    Other,
}

/// A place that was reached, and the links that led there with what they say.
type Way = (PathBuf, Vec<(PathBuf, PathBuf)>);

/// Follows paths as the kernel does, and looks at nothing twice.
#[derive(Default)]
struct Follower(FxHashMap<PathBuf, Node>);

impl Follower {
    /// Returns where a name leads; `None` if it leads nowhere, or too much was looked at.
    fn follow(&mut self, cwd: &Path, name: &[u8]) -> Option<Way> {
        let name = Path::new(OsStr::from_bytes(name));
        let mut at = cwd.to_owned();
        let mut led_by = Vec::new();
        let mut left: VecDeque<PathBuf> = parts(name).collect();
        while let Some(part) = left.pop_front() {
            if part.is_absolute() {
                at = part;
                continue;
            }
            if part.as_os_str() == ".." {
                at.pop();
                continue;
            }
            let next = at.join(part);
            match self.look(&next)? {
                Node::Nothing => return None,
                Node::Other => at = next,
                Node::Link(_) if led_by.len() == LINKS_MAX => return None,
                Node::Link(target) => {
                    parts(&target).rev().for_each(|part| left.push_front(part));
                    led_by.push((next, target));
                }
            }
        }
        Some((at, led_by))
    }

    fn look(&mut self, path: &Path) -> Option<Node> {
        if let Some(node) = self.0.get(path) {
            return Some(node.clone());
        }
        if self.0.len() == LOOKS_MAX {
            return None;
        }
        let node = match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => fs::read_link(path).map_or(Node::Nothing, Node::Link),
            Ok(_) => Node::Other,
            Err(_) => Node::Nothing,
        };
        self.0.insert(path.to_owned(), node.clone());
        Some(node)
    }
}

/// Returns the parts of a path; the root directory is one.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = PathBuf> {
    path.components().filter(|part| *part != Component::CurDir).map(|part| PathBuf::from(part.as_os_str()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn words_are_names_and_so_are_their_parts() {
        let of = |word: &'static str| names(word.as_bytes()).map(String::from_utf8_lossy).collect::<Vec<_>>();
        assert_eq!(of("cur/d"), ["cur/d"]);
        assert_eq!(of("--data=a b"), ["--data=a b", "--data", "a", "b"]);
        assert_eq!(of("cat cur/d>'o p'"), ["cat cur/d>'o p'", "cat", "cur/d", "o", "p"]);
    }

    #[test]
    fn a_name_is_a_path_from_where_it_was_given() {
        let of = |cwd: &str, name: &str| String::from_utf8(lexical(&cwd.into(), name.as_bytes())).unwrap();
        assert_eq!([of("/p", "a/b"), of("/p", "/a"), of("/", "a")], ["/p/a/b", "/a", "/a"]);
        assert_eq!([of("/p", "./a//../b"), of("/p/q", "../a/.x"), of("/p", ".")], ["/p/b", "/p/a/.x", "/p"]);
    }

    #[test]
    fn every_link_on_the_way_is_told_and_circles_end() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir(top.join("v1")).unwrap();
        fs::write(top.join("v1/d"), "1").unwrap();
        symlink("v1", top.join("first")).unwrap();
        symlink("./first/../first", top.join("cur")).unwrap();
        symlink("round", top.join("round")).unwrap();
        let mut follower = Follower::default();
        let (led_to, led_by) = follower.follow(&top, b"./cur//d").unwrap();
        assert_eq!(led_to, top.join("v1/d"));
        let names: Vec<_> = led_by.iter().map(|(link, _)| link.strip_prefix(&top).unwrap()).collect();
        assert_eq!(names, [Path::new("cur"), Path::new("first"), Path::new("first")]);
        assert!(follower.follow(&top, b"round").is_none());
        assert!(follower.follow(&top, b"nowhere/d").is_none());
    }
}
