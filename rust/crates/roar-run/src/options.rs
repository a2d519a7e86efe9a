//! What a run is asked to be.

use std::ffi::OsString;
use std::path::PathBuf;

pub use roar_store::JobKind;

/// What the user asked for, flags and configuration put together but for the settings of [`roar_config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The command, never empty.
    pub command: Vec<OsString>,
    /// Where the run report goes, if anywhere.
    pub report: Option<PathBuf>,
    /// Whether contents are hashed.
    pub wants_hashes: bool,
    /// Whether the tracer writes a debug log.
    pub wants_log: bool,
    /// What the job is to `reproduce`.
    pub kind: JobKind,
    /// Labels of the job.
    pub labels: Vec<(String, String)>,
    /// The id of the job that it is to run again.
    pub rerun_of: Option<String>,
}

/// What roar finds around itself, passed in by the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The working directory.
    pub cwd: PathBuf,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The user's directory for caches.
    pub caches: Option<PathBuf>,
    /// The directory that holds the tracer programs.
    pub programs: PathBuf,
    /// Whether there may be runners that tell of their tasks: the Python package is installed.
    pub has_runners: bool,
    /// The directory for temporary files.
    pub temp: PathBuf,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
}
