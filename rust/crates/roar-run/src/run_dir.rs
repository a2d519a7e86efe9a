//! The directory of one run while it is under way: the tracer's spool and report, and what is needed to record the run
//! if roar does not live to do it.
//!
//! A lock is held on the directory by the roar that runs it. A directory without a lock is of a run that was broken off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::repo::make_private_dir;

const META_FILE: &str = "meta.json";
const LOCK_FILE: &str = "lock";

/// What is kept of a run's beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// `ptrace` …
    pub(crate) backend: String,
    /// Whether the job is set-up.
    pub(crate) is_build: bool,
    /// Labels of the job.
    pub(crate) labels: Vec<(String, String)>,
    /// The tracer, to see whether it still works.
    pub(crate) wants_hashes: bool,
}

/// A run directory that this process holds.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    /// Whether it is where broken-off runs are looked for.
    is_findable: bool,
    _lock: File,
}

impl RunDir {
    /// Makes a run directory below `runs`, or below `fallback` where that cannot be.
    pub(crate) fn create(runs: &Path, fallback: &Path) -> Result<Self, (PathBuf, io::Error)> {
        make_private_dir(runs)
            .and_then(|()| Self::create_in(runs, true))
            .or_else(|_| Self::create_in(fallback, false))
            .map_err(|error| (fallback.to_owned(), error))
    }

    fn create_in(parent: &Path, is_findable: bool) -> io::Result<Self> {
        let path = parent.join(format!("roar-{}", Uuid::now_v7().simple()));
        make_private_dir(&path)?;
        let lock = open_lock(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, is_findable, _lock: lock })
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a later roar finds it here.
    pub(crate) fn is_findable(&self) -> bool {
        self.is_findable
    }

    /// Keeps what is needed to record the run later.
    pub(crate) fn write_meta(&self, meta: &Meta) -> io::Result<()> {
        let bytes = serde_json::to_vec(meta)?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path.join(META_FILE))
            .and_then(|mut file| file.write_all(&bytes))
    }

    /// Reads what was kept.
    pub(crate) fn read_meta(&self) -> io::Result<Meta> {
        Ok(serde_json::from_slice(&fs::read(self.path.join(META_FILE))?)?)
    }

    /// Takes over a directory whose run was broken off; `None` if somebody holds it.
    pub(crate) fn take_over(path: &Path) -> Option<Self> {
        let lock = open_lock(path).ok()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        // Whoever held it may have finished and removed it just now.
        fs::symlink_metadata(path.join(LOCK_FILE)).ok()?;
        Some(Self { path: path.to_owned(), is_findable: true, _lock: lock })
    }

    /// Removes it, the run being recorded.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }
}

fn open_lock(directory: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(directory.join(LOCK_FILE))
}
