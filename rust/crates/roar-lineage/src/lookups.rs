//! What a step looked up, against the disk: paths at which nothing was, directories that it listed.
//!
//! A name that has come to a listed directory, or gone from it, is no reason by itself: a program may list a directory and care for some
//! of the names, and Python, make and git list directories on their own account. What a step took from a directory says which.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use roar_context::{Classes, Filter, Surroundings};
use roar_hash::Names;
use rustc_hash::FxHashMap;
use tracer_schema::PathBytes;

use crate::staleness::is_code;

/// Programs that list directories on their own account wherever they work.
const BROWSERS: &[&str] = &["make", "gmake", "ninja", "git"];

/// Programs that list the directories in which they look for code, by the beginnings of their names.
const IMPORTERS: &[&str] = &["python", "pypy", "ipython"];

/// What is in directories now; each is read once, however many steps listed it.
#[derive(Debug, Default)]
pub(crate) struct Directories(FxHashMap<PathBuf, Option<Names>>);

impl Directories {
    /// Returns the names in a directory, without those that lists leave out; `None` if it cannot be read.
    pub(crate) fn names(&mut self, directory: &Path) -> Option<&Names> {
        if !self.0.contains_key(directory) {
            let filter = Filter::new(&Surroundings::default(), Classes::all());
            let names = Names::read(directory, &|name| is_left_out(&filter, name)).ok();
            self.0.insert(directory.to_owned(), names);
        }
        self.0.get(directory)?.as_ref()
    }
}

/// Returns whether lists leave out what has that name, wherever it is.
fn is_left_out(filter: &Filter, name: &OsStr) -> bool {
    filter.excludes(&[b"/somewhere/", name.as_bytes()].concat()).is_some()
}

/// What a step took from a directory that it listed.
pub(crate) struct Taking<'a> {
    /// Names of inputs in it.
    names: BTreeSet<&'a [u8]>,
    /// Inputs are in directories below it.
    is_deep: bool,
    /// It took every file that there was.
    is_all: bool,
    /// It was listed on the program's own account, as far as can be told.
    is_browsed: bool,
    /// What was listed was looked through for code.
    is_imported: bool,
}

impl<'a> Taking<'a> {
    /// Returns what a step took from a directory that had those names, and was listed by that program.
    pub(crate) fn new(
        directory: &PathBytes,
        names_before: &[PathBytes],
        program: &PathBytes,
        cwd: &PathBytes,
        inputs: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let mut names = BTreeSet::new();
        let (mut is_deep, mut has_code) = (false, false);
        for path in inputs {
            let Some(rest) = below(path, directory.as_bytes()) else { continue };
            has_code |= is_code(path);
            if rest.contains(&b'/') {
                is_deep = true;
            } else {
                names.insert(rest);
            }
        }
        let program = program.as_path().file_name().unwrap_or_default().as_bytes();
        let is_importer = IMPORTERS.iter().any(|known| program.starts_with(known.as_bytes()));
        let is_imported = is_importer && (has_code || directory == cwd);
        let mut files = names_before.iter().filter(|name| !is_directory(name.as_bytes()));
        Self {
            is_deep,
            is_all: files.all(|name| names.contains(name.as_bytes())),
            is_browsed: is_imported || BROWSERS.iter().any(|known| program == known.as_bytes()),
            is_imported,
            names,
        }
    }

    /// Returns whether the step may have done something else, had that name been there, or not been there.
    pub(crate) fn cares_for(&self, name: &[u8]) -> bool {
        let is_hidden = |name: &[u8]| name.starts_with(b".");
        if is_hidden(name) && !self.names.iter().any(|taken| is_hidden(taken)) {
            return false;
        }
        let is_of_a_kind = || self.names.iter().any(|taken| end(taken) == end(name));
        if self.is_browsed {
            let is_for_itself = is_directory(name) || (self.is_imported && is_code(name));
            return !is_for_itself && is_of_a_kind();
        }
        if self.names.is_empty() || self.is_all {
            return true;
        }
        if is_directory(name) { self.is_deep } else { is_of_a_kind() }
    }

    /// Returns whether the name is of an input.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.names.contains(name)
    }
}

/// Returns the rest of a path that is below a directory.
fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(directory)?;
    if directory == b"/" { Some(rest) } else { rest.strip_prefix(b"/") }
}

/// Returns whether a name of a listing is that of a directory.
pub(crate) fn is_directory(name: &[u8]) -> bool {
    name.ends_with(b"/")
}

fn end(name: &[u8]) -> Option<&OsStr> {
    Path::new(OsStr::from_bytes(name)).extension()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns for which of the names a step cares that listed `/p/data`, where a.csv, b.csv and notes.txt were.
    fn cared_for<'n>(program: &str, inputs: &[&'static str], names: &[&'n str]) -> Vec<&'n str> {
        let before: Vec<PathBytes> = ["a.csv", "b.csv", "notes.txt"].map(PathBytes::from).to_vec();
        let inputs = inputs.iter().map(|path| path.as_bytes());
        let taking = Taking::new(&"/p/data".into(), &before, &program.into(), &"/p".into(), inputs);
        names.iter().copied().filter(|name| taking.cares_for(name.as_bytes())).collect()
    }

    const NAMES: &[&str] = &["c.csv", "d.txt", "e", "more/", ".hidden.csv"];

    #[test]
    fn who_takes_files_of_a_kind_cares_for_those() {
        let inputs = &["/p/data/a.csv", "/p/data/b.csv", "/p/x.txt"];
        assert_eq!(cared_for("/usr/bin/bash", inputs, NAMES), ["c.csv"]);
    }

    #[test]
    fn who_takes_nothing_or_everything_cares_for_every_name() {
        assert_eq!(cared_for("/usr/bin/ls", &[], NAMES), NAMES[..4]);
        let all = &["/p/data/a.csv", "/p/data/b.csv", "/p/data/notes.txt"];
        assert_eq!(cared_for("/usr/bin/tar", all, NAMES), NAMES[..4]);
    }

    #[test]
    fn who_takes_files_of_directories_in_it_cares_for_directories() {
        let inputs = &["/p/data/a.csv", "/p/data/x/y.csv"];
        assert_eq!(cared_for("/usr/bin/find", inputs, NAMES), ["c.csv", "more/"]);
    }

    #[test]
    fn python_looks_for_code_where_its_code_is() {
        let code = &["/p/data/lib/util.py"];
        assert_eq!(cared_for("/usr/bin/python3.11", code, &["new.py", "c.csv", "more/"]), [""; 0]);
        let code_and_data = &["/p/data/run.py", "/p/data/a.csv"];
        assert_eq!(cared_for("/usr/bin/python3.11", code_and_data, &["new.py", "c.csv", "more/"]), ["c.csv"]);
        assert_eq!(cared_for("/usr/bin/python3.11", &[], NAMES), NAMES[..4]);
    }

    #[test]
    fn make_and_git_look_around() {
        assert_eq!(cared_for("/usr/bin/git", &[], NAMES), [""; 0]);
        assert_eq!(cared_for("/usr/bin/make", &["/p/data/a.csv"], NAMES), ["c.csv"]);
    }
}
