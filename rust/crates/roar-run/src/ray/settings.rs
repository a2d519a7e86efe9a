//! Where what is seen on a cluster goes, as it is told: by the run to the Python package, by that to the cluster's processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use roar_config::{Settings, TracerMode};
use roar_fragments::{PrivateKey, PublicKey, S3, S3Place, StoreError};
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

/// How the words for buckets begin.
pub(crate) const S3_SCHEME: &str = "s3://";

/// The variables of a driver on the cluster that its workers are given as well.
const PASSED_ON: &[&str] =
    &[env::RAY_RUN, env::RAY_KEY, env::RAY_ROOT, env::RAY_S3_ENDPOINT, env::TRACER_MODE];

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

    /// Returns whether the store is Ray's own.
    pub(crate) fn is_ray(store: &str) -> bool {
        store == RAY
    }

    /// Returns the bucket that is a store of the run.
    pub(crate) fn bucket(
        &self,
        run: &str,
        environment: &[(OsString, OsString)],
    ) -> Option<Result<S3, StoreError>> {
        let word = [&self.joined, &self.submitted].into_iter().find(|store| store.starts_with(S3_SCHEME))?;
        let endpoint = self.variables.get(env::RAY_S3_ENDPOINT).map_or("", String::as_str);
        Some(open_bucket(word, endpoint, run, environment))
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
pub(crate) fn prepare(run_dir: &RunDir, settings: &Settings, project_root: &Path) -> io::Result<()> {
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
    let mut variables: BTreeMap<String, String> =
        [(env::RAY_RUN, name), (env::RAY_KEY, key.public().to_hex())]
            .map(|(key, value)| (key.to_owned(), value))
            .into();
    if let Some(root) = project_root.to_str() {
        variables.insert(env::RAY_ROOT.to_owned(), root.to_owned());
    }
    if settings.tracer_mode != TracerMode::Auto {
        variables.insert(env::TRACER_MODE.to_owned(), settings.tracer_mode.name().to_owned());
    }
    if !settings.ray_s3_endpoint.is_empty() {
        variables.insert(env::RAY_S3_ENDPOINT.to_owned(), settings.ray_s3_endpoint.clone());
    }
    Said { joined, submitted, variables }.write(path)
}

/// Where a process of the cluster leaves what is seen of it.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A directory that the run reaches as well.
    Directory(PathBuf),
    /// Pieces of it, by Ray's own store.
    Ray(Sealed),
    /// Pieces of it, by a bucket.
    S3 {
        /// What they need.
        sealed: Sealed,
        /// The bucket, open.
        bucket: Box<S3>,
        /// The bucket, as `ray.store` has it.
        word: String,
    },
}

/// Returns the bucket of a run that `ray.store` names. `endpoint` is `ray.s3_endpoint`.
pub(crate) fn open_bucket(
    word: &str,
    endpoint: &str,
    run: &str,
    environment: &[(OsString, OsString)],
) -> Result<S3, StoreError> {
    let place = word.trim_start_matches(S3_SCHEME);
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { format!("{run}/") } else { format!("{prefix}/{run}/") };
    let value = |name: &str| variable(environment, name).map(str::to_owned);
    S3::new(S3Place {
        bucket: bucket.to_owned(),
        prefix,
        endpoint: Some(endpoint.to_owned()).filter(|endpoint| !endpoint.is_empty()),
        region: env::S3_REGIONS.iter().find_map(|name| value(name)),
        key: value(env::S3_KEY).unwrap_or_default(),
        secret: value(env::S3_SECRET).unwrap_or_default(),
        token: value(env::S3_TOKEN),
    })
}

pub(crate) fn variable<'e>(environment: &'e [(OsString, OsString)], wanted: &str) -> Option<&'e str> {
    let (_, value) = environment.iter().find(|(name, _)| name == wanted)?;
    value.to_str().filter(|value| !value.is_empty())
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
    /// There can be no such bucket.
    #[error(transparent)]
    Bucket(#[from] StoreError),
}

impl Destination {
    /// Returns what the environment of a process says.
    ///
    /// # Errors
    /// See [`DestinationError`].
    pub fn new(settings: &Settings, environment: &[(OsString, OsString)]) -> Result<Self, DestinationError> {
        let sealed = || -> Result<Sealed, DestinationError> {
            let (run, key) = (variable(environment, env::RAY_RUN), variable(environment, env::RAY_KEY));
            let run = run.filter(|run| run.len() == 32 && run.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let key = key.and_then(|key| PublicKey::from_hex(key).ok());
            let (run, key) = run.zip(key).ok_or(DestinationError::NoRun)?;
            Ok(Sealed { run: run.to_owned(), key })
        };
        match &*settings.ray_store {
            store if store.starts_with('/') => Ok(Self::Directory(store.into())),
            RAY => Ok(Self::Ray(sealed()?)),
            store if store.starts_with(S3_SCHEME) => {
                let (sealed, word) = (sealed()?, store.to_owned());
                let endpoint = &settings.ray_s3_endpoint;
                let bucket = Box::new(open_bucket(&word, endpoint, &sealed.run, environment)?);
                Ok(Self::S3 { sealed, bucket, word })
            }
            _ => Err(DestinationError::NoStore),
        }
    }

    /// Tells the Python package in a driver of the cluster what its workers are to be told: what the driver was told itself.
    pub(crate) fn pass_on(&self, run_dir: &RunDir, environment: &[(OsString, OsString)]) -> io::Result<()> {
        let store = match self {
            Self::Directory(path) => path.display().to_string(),
            Self::Ray(_) => RAY.to_owned(),
            Self::S3 { word, .. } => word.clone(),
        };
        let told = |name: &&str| Some(((*name).to_owned(), variable(environment, name)?.to_owned()));
        let variables = PASSED_ON.iter().filter_map(told).collect();
        Said { joined: store.clone(), submitted: store, variables }.write(run_dir.path())
    }
}
