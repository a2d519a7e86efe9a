//! The directory of one run while it is under way: the tracer's spool and report, and what is needed to record the run
//! if roar does not live to do it.
//!
//! A lock is held on the directory by the roar that runs it. A directory without a lock is of a run that was broken off.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Instant, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tracer_schema::PathBytes;
use uuid::Uuid;

use crate::repo::make_private_dir;

/// Name of the file of what is kept of a run's beginning.
pub(crate) const META_FILE: &str = "meta.json";
const LOCK_FILE: &str = "lock";

/// How the names of run directories begin.
pub(crate) const PREFIX: &str = "roar-";

/// Attempts at a directory that nobody takes over before it is locked.
const ATTEMPTS: u32 = 16;

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
    /// Whether it is the driver of a job that was submitted to a cluster.
    #[serde(default)]
    pub(crate) is_driver: bool,
    /// Where runners told of their tasks: the directory may be moved, or carried to another machine.
    #[serde(default)]
    pub(crate) tasks: Option<PathBytes>,
}

/// Returns the id of the job that the run in a directory becomes: the one in the directory's name.
pub(crate) fn job_id(run_dir: &Path) -> Option<String> {
    let name = run_dir.file_name()?.to_str()?;
    let id = Uuid::try_parse(name.strip_prefix(PREFIX)?).ok()?;
    Some(id.to_string())
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

    /// Makes a run directory in another.
    pub(crate) fn create_in(parent: &Path, is_findable: bool) -> io::Result<Self> {
        let mut attempt = 1;
        loop {
            let path = parent.join(format!("{PREFIX}{}", Uuid::now_v7().simple()));
            match Self::create_at(path, is_findable) {
                // Until it is locked, another roar takes it for what is left of a run that was broken off.
                Err(error) if attempt < ATTEMPTS && may_be_taken_over(&error) => attempt += 1,
                made => return made,
            }
        }
    }

    fn create_at(path: PathBuf, is_findable: bool) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = open_lock(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        // From now on nobody takes it over; it must not have been removed before.
        if !is_in_place(&lock, &path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self { path, is_findable, _lock: lock })
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns when it was made, nanoseconds since 1970, by the clock of the file systems; `None` where its own does not tell (statx(2)).
    pub(crate) fn born_unix_ns(&self) -> Option<i64> {
        let born = fs::symlink_metadata(&self.path).and_then(|found| found.created()).ok()?;
        i64::try_from(born.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
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
        Self::meta_at(&self.path)
    }

    /// Reads what was kept in a directory that somebody else may hold.
    pub(crate) fn meta_at(path: &Path) -> io::Result<Meta> {
        Ok(serde_json::from_slice(&fs::read(path.join(META_FILE))?)?)
    }

    /// Takes over a directory whose run was broken off; `None` if somebody holds it.
    pub(crate) fn take_over(path: &Path) -> Option<Self> {
        let Ok(lock) = OpenOptions::new().write(true).open(path.join(LOCK_FILE)) else {
            // Without a lock it is empty: it was being made, or being removed. Whoever makes it makes another.
            let _gone = fs::remove_dir(path);
            return None;
        };
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        // Whoever held it may have finished and removed it just now.
        is_in_place(&lock, path).then_some(())?;
        Some(Self { path: path.to_owned(), is_findable: true, _lock: lock })
    }

    /// Removes it, the run being recorded, or never begun. The lock goes last: with it a later roar can finish what is broken off here.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else if entry.file_name() != LOCK_FILE {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_file(self.path.join(LOCK_FILE))?;
        match fs::remove_dir(&self.path) {
            // Another roar was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// Waits until nobody holds a run directory. Returns whether that was before the time was up.
pub(crate) fn wait_for_end(path: &Path, until: Instant) -> bool {
    let Ok(lock) = File::open(path.join(LOCK_FILE)) else {
        return true;
    };
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return true;
    }
    let (tell, told) = channel();
    // A thread that waits for longer than that ends with this process.
    std::thread::spawn(move || {
        let waited = flock(&lock, FlockOperation::LockShared).is_ok();
        // Nobody may be listening any more.
        let _unheard = tell.send(waited);
    });
    told.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap_or(false)
}

fn may_be_taken_over(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock)
}

/// Returns whether an open lock is that of the directory, not of one that was removed.
fn is_in_place(lock: &File, directory: &Path) -> bool {
    is_at(lock, &directory.join(LOCK_FILE))
}

/// Returns whether an open file is the one at a path.
pub(crate) fn is_at(lock: &File, path: &Path) -> bool {
    let there = fs::symlink_metadata(path);
    let held = lock.metadata();
    there.is_ok_and(|there| held.is_ok_and(|held| (there.dev(), there.ino()) == (held.dev(), held.ino())))
}

fn open_lock(directory: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(LOCK_FILE))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_id_of_a_job_is_that_of_its_directory() {
        let name = Path::new("/x/roar-01890a5dac96774bbcceb302099a8057");
        assert_eq!(job_id(name).as_deref(), Some("01890a5d-ac96-774b-bcce-b302099a8057"));
        assert_eq!(job_id(Path::new("/x/roar-other")), None);
    }

    #[test]
    fn a_directory_is_made_while_others_clear_up_what_is_left() {
        let top = tempfile::tempdir().unwrap();
        let is_done = AtomicBool::new(false);
        let clear_up = || {
            while !is_done.load(Ordering::Relaxed) {
                for entry in fs::read_dir(top.path()).unwrap().flatten() {
                    if let Some(left) = RunDir::take_over(&entry.path()) {
                        // Two may be clearing the same one up.
                        let _gone = left.remove();
                    }
                }
            }
        };
        let failures: Vec<String> = std::thread::scope(|scope| {
            scope.spawn(clear_up);
            scope.spawn(clear_up);
            let mut failures = Vec::new();
            for _ in 0..2000 {
                match RunDir::create_in(top.path(), true) {
                    Ok(made) if fs::symlink_metadata(made.path.join(LOCK_FILE)).is_ok() => {
                        made.remove().unwrap()
                    }
                    Ok(_) => failures.push("removed by another".to_owned()),
                    Err(error) => failures.push(error.to_string()),
                }
            }
            is_done.store(true, Ordering::Relaxed);
            failures
        });
        assert_eq!(failures, Vec::<String>::new());
    }
}
