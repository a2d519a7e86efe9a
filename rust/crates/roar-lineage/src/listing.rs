//! Directories, each read once: many steps may have read files of the same one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustc_hash::FxHashMap;
use tracer_schema::PathBytes;

/// Entries of a directory that are looked through for new files.
const ENTRIES_MAX: usize = 100_000;

/// What is in directories now.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    /// Of each directory the entries by the end of their names.
    directories: FxHashMap<PathBuf, FxHashMap<OsString, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    nature: Nature,
}

/// What an entry is.
#[derive(Clone, Copy, Debug)]
enum Nature {
    /// Nobody has looked yet.
    Unseen,
    /// A file, made then; a file system that does not tell when it was made says when it was changed.
    File(Option<SystemTime>),
    /// Something else, or gone by now.
    Other,
}

impl Listings {
    /// Returns the files of a directory with that end of name that are not known, if all of them are newer than that.
    pub(crate) fn new_files(
        &mut self,
        directory: &Path,
        end: &OsStr,
        since: SystemTime,
        is_known: impl Fn(&Path) -> bool,
    ) -> Vec<PathBytes> {
        if !self.directories.contains_key(directory) {
            self.directories.insert(directory.to_owned(), read(directory));
        }
        let entries = self.directories.get_mut(directory).and_then(|ends| ends.get_mut(end));
        let mut found = Vec::new();
        for entry in entries.into_iter().flatten() {
            if is_known(&entry.path) {
                continue;
            }
            match entry.look() {
                // It was there and was not read: the step does not take them all.
                Nature::File(Some(made)) if made < since => return Vec::new(),
                Nature::File(_) => found.push(PathBytes::from(entry.path.as_path())),
                Nature::Unseen | Nature::Other => {}
            }
        }
        found.sort();
        found
    }
}

impl Entry {
    fn look(&mut self) -> Nature {
        if matches!(self.nature, Nature::Unseen) {
            self.nature = match std::fs::symlink_metadata(&self.path) {
                Ok(found) if found.is_file() => {
                    Nature::File(found.created().or_else(|_| found.modified()).ok())
                }
                Ok(_) | Err(_) => Nature::Other,
            };
        }
        self.nature
    }
}

/// Reads a directory; one that cannot be read has no entries.
fn read(directory: &Path) -> FxHashMap<OsString, Vec<Entry>> {
    let mut ends: FxHashMap<OsString, Vec<Entry>> = FxHashMap::default();
    let Ok(entries) = std::fs::read_dir(directory) else { return ends };
    for entry in entries.take(ENTRIES_MAX).flatten() {
        let path = entry.path();
        let Some(end) = path.extension() else { continue };
        let entry = Entry { nature: Nature::Unseen, path: path.clone() };
        match ends.get_mut(end) {
            Some(entries) => entries.push(entry),
            None => drop(ends.insert(end.to_owned(), vec![entry])),
        }
    }
    ends
}
