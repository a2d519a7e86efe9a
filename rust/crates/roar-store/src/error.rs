//! What can go wrong with the store, told apart by what the user can do about it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rustix::io::Errno;

/// Bytes written to find out why SQLite cannot write: one page of the database.
const PROBE_BYTES: usize = 4096;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no database.
    #[error("no database at {}", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The file is not an SQLite database.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// The file is an SQLite database of another program.
    #[error("{} is a database of another program", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("the database {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// The database was written by a newer roar.
    #[error("the database {} has version {found}, and this roar knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is understood.
        known: i64,
    },
    /// Another process kept the database locked for longer than the timeout.
    #[error("the database {} is locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// No space, or no quota, is left.
    #[error("no space left for the database {}", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// With the errno.
        source: io::Error,
    },
    /// The file, its directory or its file system may not be written.
    #[error("the database {} cannot be written", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// With the errno.
        source: io::Error,
    },
    /// Another error of the file system.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// With the errno.
        source: io::Error,
    },
    /// Another error of SQLite.
    #[error("the database {} failed", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// A row says what this version cannot make sense of.
    #[error("the database {} holds {what}", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// What was met.
        what: String,
    },
}

/// A result of the store.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("make one with `roar init`"),
            Self::NotADatabase { .. } | Self::NotOurs { .. } | Self::Damaged { .. } => {
                Some("move it away and run `roar init`, or put back a copy of it")
            }
            Self::Newer { .. } => Some("use the newer roar that wrote it"),
            Self::Locked { .. } => Some("wait for the other `roar` to end, or end it, and try again"),
            Self::DiskFull { .. } => Some("free some space on that file system and try again"),
            Self::ReadOnly { .. } => Some("make `.roar` and the files in it writable for you"),
            Self::Io { .. } | Self::Sqlite { .. } | Self::BadRow { .. } => None,
        }
    }

    /// Returns the error that a failed call to SQLite on that database stands for.
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path, source },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path, source },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, source: Errno::NOSPC.into() },
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::PermissionDenied,
            ) => match probe(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing { path },
                Err(error) => Self::unwritable(path, error),
                Ok(()) => Self::Sqlite { path, source },
            },
            _ => Self::Sqlite { path, source },
        }
    }

    /// Returns the error that stands for an errno of the file system.
    pub(crate) fn unwritable(path: PathBuf, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Self::DiskFull { path, source },
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Self::ReadOnly { path, source },
            _ => Self::Io { path, source },
        }
    }
}

/// Does what SQLite does with the database and its directory, to learn the errno that SQLite keeps to itself.
fn probe(path: &Path) -> io::Result<()> {
    drop(OpenOptions::new().read(true).write(true).open(path)?);
    let beside = path.with_extension(format!("probe-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(&[0; PROBE_BYTES]).and_then(|()| file.sync_all()));
    // The probe's own file is of no interest; whether it could be written is.
    match std::fs::remove_file(&beside) {
        Ok(()) | Err(_) => written,
    }
}
