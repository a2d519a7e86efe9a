//! What was missing of a Ray job when it was recorded, fetched later.
//!
//! Until all has come, the run directory is kept below `.roar/ray`, with the key and with what the run itself has seen.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use roar_context::Filter;
use roar_hash::Algorithm;
use roar_store::{Job, RecordedJob, Store};
use tracer_host::{encode_report, parse_report};
use tracer_schema::{FileRecord, RunReport, TracerReport};

use crate::error::RecordError;
use crate::job::{Recorded, Recording, record};
use crate::monitor::Monitor;
use crate::options::{JobKind, Surroundings};
use crate::ray::content::{Elsewhere, keep_hashes};
use crate::ray::gather::{Gathered, WORKERS_END, gather};
use crate::repo::Repo;
use crate::report::run_report;
use crate::run_dir::{PREFIX, RunDir};
use crate::surroundings::filter_for;
use crate::tasks::TaskNames;

/// What the run itself has seen, in the run directory.
const OWN_REPORT: &str = "own-report";

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Everything has come, or the job has used no cluster.
    #[error("nothing is kept of job {job} that more could be fetched for")]
    NothingKept {
        /// The job.
        job: String,
    },
    /// Another roar is at it.
    #[error("job {job} is being fetched by another roar")]
    InUse {
        /// The job.
        job: String,
    },
    /// What was kept cannot be read.
    #[error("what is kept of the job cannot be read in {path}")]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// The report of the whole job.
    pub report: RunReport,
    /// The job, in the place of what was recorded before.
    pub job: RecordedJob,
    /// Whether more may come.
    pub is_unfinished: bool,
}

fn kept_dir(repo: &Repo) -> PathBuf {
    repo.dir().join("ray")
}

/// Keeps what the run itself has seen, for when the rest is fetched.
pub(crate) fn keep_report(run_dir: &Path, report: &TracerReport) -> io::Result<()> {
    let bytes = encode_report(report).map_err(io::Error::other)?;
    fs::write(run_dir.join(OWN_REPORT), bytes)
}

/// Keeps the run directory of a job that is recorded, of which more may come. Returns whether it could be.
pub(crate) fn keep(
    run_dir: &RunDir,
    repo: &Repo,
    report: &TracerReport,
    files: &[FileRecord],
) -> io::Result<()> {
    keep_hashes(run_dir.path(), report, files)?;
    let kept = kept_dir(repo);
    DirBuilder::new().mode(0o700).recursive(true).create(&kept)?;
    fs::rename(run_dir.path(), kept.join(run_dir.path().file_name().unwrap_or_default()))
}

/// Returns the id of the job that was submitted to a cluster under an id of the cluster's.
pub fn job_of_submission(repo: &Repo, submission: &str) -> Option<String> {
    let kept = fs::read_dir(kept_dir(repo)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut kept = kept.filter(|path| crate::ray::gather::has_submission(path, submission));
    crate::run_dir::job_id(&kept.next()?)
}

/// Fetches what has come since a job was recorded, and records the job anew.
///
/// # Errors
/// See [`FetchError`]. What was recorded before stays.
pub fn fetch(
    repo: &Repo,
    store: &mut Store,
    job: &Job,
    settings: &roar_config::Settings,
    around: &Surroundings,
    monitor: &dyn Monitor,
) -> Result<Fetched, FetchError> {
    let path = kept_dir(repo).join(format!("{PREFIX}{}", job.id.replace('-', "")));
    if fs::symlink_metadata(&path).is_err() {
        return Err(FetchError::NothingKept { job: job.id.clone() });
    }
    let run_dir = RunDir::take_over(&path).ok_or_else(|| FetchError::InUse { job: job.id.clone() })?;
    let damaged = |source| FetchError::Damaged { path: path.clone(), source };
    let bytes = fs::read(path.join(OWN_REPORT)).map_err(damaged)?;
    let mut report = parse_report(&bytes, &path).map_err(|error| damaged(io::Error::other(error)))?;
    let mut task_names = TaskNames::read(&path);
    let Gathered { mut elsewhere, is_unfinished, .. } =
        gather(&path, &mut report, &mut task_names, around, WORKERS_END);
    task_names.add_gaps(&mut report.coverage);
    // Files may have changed since, and which names directories had cannot be known any more.
    report.looked_up.forget_listings();
    elsewhere.read(&path);
    let filter = filter_for(settings, around, &repo.root);
    let recorded = record_anew(store, job, &report, &elsewhere, task_names, settings, &filter, monitor)?;
    let Recorded { files, tasks, objects, looked_up, job } = recorded;
    let job = job?;
    if is_unfinished {
        // Without them files are hashed as they are then.
        let _unkept = keep_hashes(&path, &report, &files);
    } else {
        // Should it stay, it is fetched to no avail.
        let _left = run_dir.remove();
    }
    let report = run_report(&report, files, tasks, objects, looked_up);
    Ok(Fetched { report, job, is_unfinished })
}

#[expect(clippy::too_many_arguments, reason = "each is another thing, and there is one caller")]
fn record_anew(
    store: &mut Store,
    job: &Job,
    report: &TracerReport,
    elsewhere: &Elsewhere,
    task_names: TaskNames,
    settings: &roar_config::Settings,
    filter: &Filter,
    monitor: &dyn Monitor,
) -> Result<Recorded, FetchError> {
    let mut context = store.context(job.key).map_err(RecordError::from)?;
    context.git = store.git(job.key).map_err(RecordError::from)?;
    let algorithms: Vec<Algorithm> =
        settings.hash_algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
    let recording = Recording {
        id: None,
        replaced: Some(job.clone()),
        kind: if job.kind == JobKind::Build { JobKind::Build } else { JobKind::Run },
        rerun_of: job.rerun_of.clone(),
        began_unix_ns: job.began_unix_ns,
        filter,
        algorithms: Some(&algorithms),
        context,
        task_names,
        elsewhere,
        monitor,
    };
    Ok(record(report, &recording, Ok(store)))
}
