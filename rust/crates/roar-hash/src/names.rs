//! The names in a directory, which stand for it as bytes stand for a file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use tracer_schema::{Listing, PathBytes, to_hex};

/// Entries that are read of a directory, at most: a million take about a second.
const ENTRIES_MAX: usize = 1_000_000;

/// The names in a directory. That of a directory ends in a slash, as `ls -p` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeSet<Vec<u8>>);

impl Names {
    /// Reads the names in a directory, but for those that are left out.
    ///
    /// # Errors
    /// It cannot be read, or has more entries than anybody would want to read.
    pub fn read(directory: &Path, is_left_out: &dyn Fn(&OsStr) -> bool) -> io::Result<Self> {
        let mut names = BTreeSet::new();
        for (count, entry) in std::fs::read_dir(directory)?.enumerate() {
            if count == ENTRIES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let entry = entry?;
            let name = entry.file_name();
            if is_left_out(&name) {
                continue;
            }
            // An entry that vanishes just now is a file as far as anybody knows.
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            names.insert([name.as_bytes(), if is_directory { b"/" } else { b"" }].concat());
        }
        Ok(Self(names))
    }

    /// Adds the name of a file.
    pub fn add(&mut self, name: &[u8]) {
        self.0.insert(name.to_vec());
    }

    /// Takes out the name of a file.
    pub fn remove(&mut self, name: &[u8]) {
        self.0.remove(name);
    }

    /// Returns the names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns what is kept of them: the names themselves, if they are no more than that.
    pub fn to_listing(&self, names_max: usize) -> Listing {
        let mut hasher = blake3::Hasher::new();
        for name in self.iter() {
            hasher.update(name).update(b"\0");
        }
        Listing {
            count: self.0.len() as u64,
            names: (self.0.len() <= names_max).then(|| self.iter().map(PathBytes::from).collect()),
            blake3: to_hex(hasher.finalize().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_those_of_directories_end_in_a_slash() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "x.pyc"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        let names = Names::read(directory.path(), &|name| name == "x.pyc").unwrap();
        let listing = names.to_listing(3);
        assert_eq!(listing.names, Some(vec!["a.csv".into(), "b.csv".into(), "sub/".into()]));
        // printf 'a.csv\0b.csv\0sub/\0' | b3sum
        assert_eq!(listing.blake3, blake3::hash(b"a.csv\0b.csv\0sub/\0").to_hex().as_str());
        assert_eq!(names.to_listing(2), Listing { names: None, ..listing });
    }
}
