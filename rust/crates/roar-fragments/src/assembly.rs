//! From pieces to the run directory that they were cut from, as far as they have come.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::piece::{Content, Origin, PieceName, decode};
use crate::seal::PrivateKey;
use crate::store::{Store, StoreError};

/// A directory that was made from pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The name of the stream.
    pub stream: String,
    /// The directory.
    pub path: PathBuf,
    /// Where it comes from, if that piece has come.
    pub origin: Option<Origin>,
    /// Whether the last piece has come: whoever sent it had nothing more to send.
    pub has_ended: bool,
    /// What is missing or was refused, for a person.
    pub faults: Vec<String>,
}

/// Makes a directory below `into` from each stream of which there are pieces.
///
/// A directory that is there already is made anew. `path` says where the directory of a stream is to be, and `is_wanted` which names of files
/// one may have: a piece with any other is refused, as is one that was not sealed for the key.
///
/// # Errors
/// Those of the store, and of making directories and files.
pub fn assemble(
    pieces: &Store,
    run: &str,
    key: &PrivateKey,
    path: &dyn Fn(&str) -> PathBuf,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Assembled>, StoreError> {
    let mut streams: BTreeMap<String, Vec<PieceName>> = BTreeMap::new();
    for name in pieces.names()? {
        streams.entry(name.stream.clone()).or_default().push(name);
    }
    let assemble = |(stream, mut names): (String, Vec<PieceName>)| {
        names.sort_unstable_by_key(|name| (name.seq, name.is_last));
        let path = path(&stream);
        make_directory(&path).map_err(|source| StoreError::Directory { path: path.clone(), source })?;
        let made = Assembled { stream, path, origin: None, has_ended: false, faults: Vec::new() };
        let mut directory = Directory { made, next: 0, is_wanted };
        for name in names {
            let sealed = pieces.get(&name)?;
            let opened = key.open(&sealed).ok_or("it was not sealed for this run, or was changed since");
            let taken = opened.and_then(|piece| decode(run, &name, &piece));
            directory.take(&name, taken)?;
        }
        Ok(directory.made)
    };
    streams.into_iter().map(assemble).collect()
}

fn make_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

/// A directory while pieces are put into it.
struct Directory<'a> {
    made: Assembled,
    next: u32,
    is_wanted: &'a dyn Fn(&str) -> bool,
}

impl Directory<'_> {
    fn take(
        &mut self,
        name: &PieceName,
        piece: Result<(Content, Vec<u8>), &'static str>,
    ) -> Result<(), StoreError> {
        if name.seq > self.next {
            let missing = match name.seq - self.next {
                1 => format!("piece {} is missing", self.next),
                _ => format!("pieces {} to {} are missing", self.next, name.seq - 1),
            };
            self.made.faults.push(missing);
        }
        self.next = name.seq.saturating_add(1);
        let refused = match piece {
            Err(reason) => Some(reason),
            Ok((Content::Begins(origin), _)) => {
                self.made.origin = Some(origin);
                None
            }
            Ok((Content::Ends, _)) => {
                self.made.has_ended = true;
                None
            }
            Ok((Content::Part { file, .. }, _)) if !(self.is_wanted)(&file) => {
                Some("it is of no file that belongs here")
            }
            Ok((Content::Part { file, offset }, bytes)) => {
                let path = self.made.path.join(&file);
                let written = append_at(&path, offset, &bytes);
                let is_in_place = written.map_err(|source| StoreError::Directory { path, source })?;
                // One before it is missing, which was said.
                let _is_said = is_in_place;
                None
            }
        };
        if let Some(reason) = refused {
            self.made.faults.push(format!("piece {} is refused: {reason}", name.seq));
        }
        Ok(())
    }
}

/// Cuts a file there and adds bytes; returns whether it was as long as that.
fn append_at(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().mode(0o700).recursive(true).create(parent)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() < offset {
        return Ok(false);
    }
    file.set_len(offset)?;
    file.write_all(bytes)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
