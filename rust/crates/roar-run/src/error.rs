//! What can go wrong: before the command ([`RunError`], the command has not run) and after it ([`RecordError`], it has).

use std::io;
use std::path::PathBuf;

use crate::tracer::Backend;

/// Why the command was not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No backend could be started.
    #[error("no tracer can be used here")]
    NoTracer {
        /// Each that was tried, with the reason.
        tried: Vec<(Backend, String)>,
    },
    /// There is no place for the run's own files.
    #[error("cannot make a directory for the run in {path}")]
    RunDir {
        /// Where it was tried last.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tracer could not be watched.
    #[error("cannot watch the tracer")]
    Supervise(#[source] io::Error),
}

/// Why a run that took place was not recorded, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// `.roar` could not be made.
    #[error("cannot make {path}")]
    Init {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] roar_store::Error),
    /// The run report could not be written.
    #[error("cannot write the run report {path}")]
    Report {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tracer ended without a report, and left nothing to recover.
    #[error("the tracer left no report: {0}")]
    NothingReported(String),
    /// The tracer's log could not be put in its place.
    #[error("cannot keep the tracer's log as {path}")]
    Log {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Events could not be kept on disk while the command ran.
    #[error("cannot keep the run's events in {path}: a crash would have lost them")]
    Spool {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
