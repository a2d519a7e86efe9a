//! Where pieces are kept on their way.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::piece::PieceName;
use crate::s3::S3;

/// How the name of a file begins that is not whole yet.
const UNFINISHED: char = '.';

/// Why a store did not take a piece, or give it back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A directory is not as it should be.
    #[error("cannot use {path}")]
    Directory {
        /// The directory or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A server does not do what it is asked for.
    #[error("{what} cannot be used: {why}")]
    Server {
        /// Which.
        what: String,
        /// What it says.
        why: String,
    },
}

/// A store of pieces, each under its name.
#[derive(Clone, Debug)]
pub enum Store {
    /// A directory of this machine, in which each piece is a file. Whoever takes them on removes them.
    Directory(PathBuf),
    /// A bucket.
    S3(Box<S3>),
}

impl Store {
    /// Keeps a piece. A piece that is there already is the same one.
    ///
    /// # Errors
    /// See [`StoreError`]. The piece may be there all the same.
    pub fn put(&self, name: &PieceName, sealed: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::S3(bucket) => bucket.put(name, sealed),
            Self::Directory(directory) => {
                let path = directory.join(name.to_string());
                let unfinished = directory.join(format!("{UNFINISHED}{name}"));
                let written = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&unfinished)
                    .and_then(|mut file| file.write_all(sealed))
                    .and_then(|()| fs::rename(&unfinished, &path));
                written.map_err(|source| StoreError::Directory { path, source })
            }
        }
    }

    /// Returns the names of the pieces that are there.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn names(&self) -> Result<Vec<PieceName>, StoreError> {
        match self {
            Self::S3(bucket) => bucket.names(),
            Self::Directory(directory) => {
                let entries = fs::read_dir(directory)
                    .map_err(|source| StoreError::Directory { path: directory.clone(), source })?;
                let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
                Ok(names.collect())
            }
        }
    }

    /// Returns a piece.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn get(&self, name: &PieceName) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::S3(bucket) => bucket.get(name),
            Self::Directory(directory) => {
                let path = directory.join(name.to_string());
                fs::read(&path).map_err(|source| StoreError::Directory { path, source })
            }
        }
    }
}
