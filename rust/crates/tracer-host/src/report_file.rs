//! The report of a tracer program, as a file in the run directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tracer_fd::RunSummary;
use tracer_schema::report::TRACER_REPORT_VERSION;
use tracer_schema::{LookupKind, LookupSummaries, TracerReport, TracerStats};

/// Name of the report in the run directory.
pub const REPORT_FILE: &str = "report";

/// Name of the link in the run directory to a journal elsewhere, of a tracer that keeps one.
pub const JOURNAL_LINK: &str = "journal";

/// Why there is no report to be had.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It could not be written or read.
    #[error("cannot use the tracer's report {path}")]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a report.
    #[error("the tracer's report {path} is damaged")]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: rmp_serde::decode::Error,
    },
    /// It could not be put into bytes.
    #[error("the report cannot be encoded")]
    Encode(#[from] rmp_serde::encode::Error),
    /// It is of another version: `roar` and the tracer are not of one build.
    #[error("the tracer writes reports of version {found}, this roar reads version {TRACER_REPORT_VERSION}")]
    Version {
        /// The tracer's.
        found: u32,
    },
}

/// Returns the report of a run. `kinds`: of the lookups that the backend sees.
pub fn report_of(
    summary: RunSummary,
    backend: &str,
    kinds: &[LookupKind],
    mut tracer: TracerStats,
) -> TracerReport {
    tracer.events = summary.events;
    let looked_up = LookupSummaries { kinds: kinds.to_vec(), ..summary.looked_up };
    TracerReport {
        version: TRACER_REPORT_VERSION,
        backend: backend.to_owned(),
        command: summary.command,
        cwd: summary.cwd,
        root_pid: summary.root_pid,
        started_unix_ns: summary.started_unix_ns,
        duration_ns: summary.duration_ns,
        exit: summary.exit,
        coverage: summary.coverage,
        processes: summary.processes,
        files: summary.files,
        tasks: summary.tasks,
        looked_up,
        tracer,
    }
}

/// Writes the report into the run directory: whole, or not at all.
///
/// # Errors
/// See [`ReportError`].
pub fn write_report(run_dir: &Path, report: &[u8]) -> Result<(), ReportError> {
    let path = run_dir.join(REPORT_FILE);
    let unfinished = run_dir.join("report.unfinished");
    // What a tracer left that was killed while it wrote; nearly always there is none.
    let _none = fs::remove_file(&unfinished);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(report))
        .and_then(|()| fs::rename(&unfinished, &path));
    written.map_err(|source| ReportError::File { path, source })
}

/// Returns the bytes of a report, as [`parse_report`] takes them.
///
/// # Errors
/// See [`ReportError`].
pub fn encode_report(report: &TracerReport) -> Result<Vec<u8>, ReportError> {
    Ok(rmp_serde::to_vec_named(report)?)
}

/// Takes a report apart; `path` is where it came from, for errors.
///
/// # Errors
/// See [`ReportError`].
pub fn parse_report(bytes: &[u8], path: &Path) -> Result<TracerReport, ReportError> {
    let report: TracerReport = match rmp_serde::from_slice(bytes) {
        Ok(report) => report,
        Err(source) => return Err(ReportError::Damaged { path: path.to_owned(), source }),
    };
    if report.version != TRACER_REPORT_VERSION {
        return Err(ReportError::Version { found: report.version });
    }
    Ok(report)
}

/// Reads the report from the run directory.
///
/// # Errors
/// See [`ReportError`].
pub fn read_report(run_dir: &Path) -> Result<TracerReport, ReportError> {
    let path = run_dir.join(REPORT_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(ReportError::File { path, source }),
    };
    parse_report(&bytes, &path)
}
