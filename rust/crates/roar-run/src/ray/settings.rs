//! Where what is seen on a cluster goes, as it is told: by the run to the Python package, by that to the cluster's processes.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use roar_config::Settings;
use roar_fragments::{PrivateKey, PublicKey};
use serde::{Deserialize, Serialize};

use crate::env;
use crate::ray::worker::WORKERS_DIR;
use crate::run_dir::{RunDir, job_id};

/// What the Python package is told (`python/roar/backends/ray/run.py`), in the run directory.
const SAID_FILE: &str = "ray.json";

/// The key that what comes is opened with, in the run directory.
const KEY_FILE: &str = "ray.key";

/// The store of `ray.store` that is what each way of running a job is best served with.
const AUTO: &str = "auto";

/// Ray's own store.
const RAY: &str = "ray";

/// What the Python package is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The store for workers of a driver that `roar` runs itself.
    pub(crate) joined: String,
    /// The store for jobs that are submitted.
    pub(crate) submitted: String,
    /// What else the cluster's processes need to know.
    variables: BTreeMap<String, String>,
}

impl Said {
    /// Reads what was told in a run.
    pub(crate) fn read(run_dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(run_dir.join(SAID_FILE))?)?)
    }

    fn write(&self, run_dir: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(run_dir.join(SAID_FILE))?;
        file.write_all(&bytes)
    }

    /// Returns the directories among the stores.
    pub(crate) fn directories(&self) -> Vec<&Path> {
        let mut stores = vec![&*self.joined, &*self.submitted];
        stores.dedup();
        stores.into_iter().filter(|store| store.starts_with('/')).map(Path::new).collect()
    }
}

/// Returns the name by which a run is known on a cluster.
pub(crate) fn run_name(run_dir: &Path) -> String {
    job_id(run_dir).unwrap_or_default().replace('-', "")
}

/// Reads the key of a run.
pub(crate) fn private_key(run_dir: &Path) -> io::Result<PrivateKey> {
    PrivateKey::read(&run_dir.join(KEY_FILE))
}

/// Tells the Python package where what is seen on a cluster goes, should the command use one.
pub(crate) fn prepare(run_dir: &RunDir, settings: &Settings) -> io::Result<()> {
    let path = run_dir.path();
    let key = PrivateKey::generate();
    key.write(&path.join(KEY_FILE))?;
    let name = run_name(path);
    let (joined, submitted) = match &*settings.ray_store {
        AUTO => (fs::canonicalize(path)?.join(WORKERS_DIR).display().to_string(), RAY.to_owned()),
        // A directory is shared with other runs.
        store if store.starts_with('/') => {
            let own = format!("{}/roar-{name}", store.trim_end_matches('/'));
            (own.clone(), own)
        }
        store => (store.to_owned(), store.to_owned()),
    };
    let variables: BTreeMap<String, String> = [(env::RAY_RUN, name), (env::RAY_KEY, key.public().to_hex())]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
    Said { joined, submitted, variables }.write(path)
}

/// Where a process of the cluster leaves what is seen of it.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A directory that the run reaches as well.
    Directory(PathBuf),
    /// Pieces of it, by Ray's own store.
    Ray(Sealed),
}

/// What pieces need.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The run.
    pub(crate) run: String,
    /// Whom they are sealed for.
    pub(crate) key: PublicKey,
}

/// What is missing in the environment.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// Nothing says where to leave it.
    #[error("{} does not say where what is seen is to be left", env::RAY_STORE)]
    NoStore,
    /// The store needs the run's name and its key.
    #[error("{} and {} do not say what run it is seen for", env::RAY_RUN, env::RAY_KEY)]
    NoRun,
}

impl Destination {
    /// Returns what the environment of a process says; `run` and `key` are the values of `ROAR_RAY_RUN` and `ROAR_RAY_KEY`.
    ///
    /// # Errors
    /// See [`DestinationError`].
    pub fn new(settings: &Settings, run: Option<&str>, key: Option<&str>) -> Result<Self, DestinationError> {
        let sealed = || {
            let run = run.filter(|run| run.len() == 32 && run.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let key = key.and_then(|key| PublicKey::from_hex(key).ok());
            let (run, key) = run.zip(key).ok_or(DestinationError::NoRun)?;
            Ok(Sealed { run: run.to_owned(), key })
        };
        match &*settings.ray_store {
            store if store.starts_with('/') => Ok(Self::Directory(store.into())),
            RAY => Ok(Self::Ray(sealed()?)),
            _ => Err(DestinationError::NoStore),
        }
    }

    /// Tells the Python package in a driver of the cluster what its workers are to be told.
    pub(crate) fn pass_on(&self, run_dir: &RunDir) -> io::Result<()> {
        let (store, sealed) = match self {
            Self::Directory(path) => (path.display().to_string(), None),
            Self::Ray(sealed) => (RAY.to_owned(), Some(sealed)),
        };
        let mut variables = BTreeMap::new();
        if let Some(Sealed { run, key }) = sealed {
            variables.insert(env::RAY_RUN.to_owned(), run.clone());
            variables.insert(env::RAY_KEY.to_owned(), key.to_hex());
        }
        Said { joined: store.clone(), submitted: store, variables }.write(run_dir.path())
    }
}
