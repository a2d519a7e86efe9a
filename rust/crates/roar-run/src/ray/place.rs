//! A node's place for what is on its way: the run directories of its workers, and what waits to be carried on.
//!
//! It is below the directory for temporary files, which others write to as well: it is taken only where nobody else can look into it.
//! Processes that use it hold a lock, and the agent that carries pieces to Ray's own store removes it when nobody does.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FlockOperation, flock};

use crate::run_dir::is_at;

/// In the place, as the agent knows them (`python/roar/backends/ray/agent.py`).
const OUTBOX_DIR: &str = "outbox";
const USERS_FILE: &str = "users";
const AGENT_FILE: &str = "agent";
const DRAINS_FILE: &str = "drains";

/// What the agent says, for whoever looks why nothing arrives.
const AGENT_LOG: &str = "agent.log";

/// Agents that one process starts: one that cannot work is not going to.
const AGENTS_MAX: u32 = 5;

/// How a worker is told where the head of the cluster is.
const HEAD_ARGUMENT: &[u8] = b"--gcs-address=";

/// A node's place that this process uses.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    lock: File,
}

impl Place {
    /// Enters the place of a run on this node.
    pub(crate) fn enter(temp: &Path, run: &str) -> io::Result<Self> {
        let uid = rustix::process::getuid().as_raw();
        let path = temp.join(format!("roar-ray-{uid}-{run}"));
        loop {
            make_private(&path, uid)?;
            let users = path.join(USERS_FILE);
            let opened = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(&users);
            let lock = match opened {
                // It has just been removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            // Whoever has it for itself alone is about to remove it.
            flock(&lock, FlockOperation::LockShared)?;
            if is_at(&lock, &users) {
                return Ok(Self { path, lock });
            }
        }
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it, where no agent does: the last who does removes it.
    pub(crate) fn leave(self) {
        let Self { path, lock } = self;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // A run directory that is left keeps the place where it is.
            let _left = fs::remove_file(path.join(USERS_FILE)).and_then(|()| fs::remove_dir(&path));
        }
    }

    /// Makes the directory for pieces that wait, and returns where it is.
    pub(crate) fn outbox(&self) -> io::Result<PathBuf> {
        let path = self.path.join(OUTBOX_DIR);
        make_private(&path, rustix::process::getuid().as_raw())?;
        Ok(path)
    }

    /// Has the node's agent also take what all nodes have sent, to where it is fetched.
    pub(crate) fn drain(&self) -> io::Result<()> {
        let path = self.path.join(DRAINS_FILE);
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
    }
}

fn make_private(path: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path)?;
            if found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
                return Ok(());
            }
            let message = format!("{} is not a directory that only its owner may use", path.display());
            Err(io::Error::other(message))
        }
        made => made,
    }
}

/// Returns whether no piece of a stream waits any more.
pub(crate) fn is_sent(outbox: &Path, stream: &str) -> bool {
    let entries = fs::read_dir(outbox).into_iter().flatten().flatten();
    !entries.map(|entry| entry.file_name()).any(|name| name.as_bytes().starts_with(stream.as_bytes()))
}

/// How the node's agent is started.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    place: PathBuf,
    run: String,
    /// The head of the cluster.
    head: OsString,
    python: PathBuf,
    started: Arc<AtomicU32>,
}

impl Agent {
    /// Returns the agent of a place.
    pub(crate) fn new(place: &Path, run: &str, programs: &Path, head: OsString) -> Self {
        Self {
            place: place.to_owned(),
            run: run.to_owned(),
            head,
            python: interpreter(programs),
            started: Arc::default(),
        }
    }

    /// Starts it, unless it works.
    pub(crate) fn start(&self) {
        let Ok(lock) = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.place.join(AGENT_FILE))
        else {
            return;
        };
        let is_working = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err();
        if is_working || self.started.fetch_add(1, Ordering::Relaxed) >= AGENTS_MAX {
            return;
        }
        drop(lock);
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(self.place.join(AGENT_LOG));
        let mut agent = agent(&self.python, "carry");
        agent.arg(&self.place).arg(&self.run).arg(&self.head);
        // Two may have been started: the second finds the lock taken, and ends. What cannot be started is missed by the run.
        let _missed = agent.stderr(log.map_or_else(|_| Stdio::null(), Stdio::from)).spawn();
    }
}

/// Has the head of a cluster told of a worker without a tracer: `words` are the run, the head, the process, why.
pub(crate) fn tell_head(programs: &Path, words: &[&OsStr]) {
    // What cannot be told is missed by the run.
    let _untold = agent(&interpreter(programs), "unseen").args(words).stderr(Stdio::null()).status();
}

/// Returns the interpreter that has the package `roar`: beside the programs.
fn interpreter(programs: &Path) -> PathBuf {
    programs.join("python")
}

fn agent(python: &Path, task: &str) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "roar.backends.ray.agent", task]).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Returns the head of the cluster that a worker is told of, or else the one of the environment.
pub(crate) fn head_of(command: &[OsString], environment: &[(OsString, OsString)]) -> Option<OsString> {
    let told = command.iter().find_map(|word| word.as_bytes().strip_prefix(HEAD_ARGUMENT));
    let told = told.map(|address| OsString::from(OsStr::from_bytes(address)));
    told.or_else(|| {
        environment.iter().find(|(name, _)| name == "RAY_ADDRESS").map(|(_, value)| value.clone())
    })
}
