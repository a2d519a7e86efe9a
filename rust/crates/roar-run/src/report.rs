//! From what a tracer saw to what the world is given.

use std::io;
use std::path::Path;

use roar_store::rfc3339;
use tracer_schema::report::RUN_REPORT_FORMAT;
use tracer_schema::{
    FileRecord, FileSummary, Lookups, ObjectRecord, Prior, Role, RunReport, Task, TracerReport,
};

use crate::whole_file::write_whole;

/// Returns the public record of a file, its hashes still missing.
pub(crate) fn record_of(file: &FileSummary, is_filtered: bool) -> FileRecord {
    let version = match file.role {
        Role::Output => file.after,
        Role::Input | Role::Deleted => file.before,
        Role::Temporary => None,
    };
    let takes_from_before = file.role == Role::Input || file.prior == Some(Prior::Kept);
    FileRecord {
        path: file.path.clone(),
        role: file.role,
        read: file.read,
        written: file.written,
        executed: file.executed,
        created: file.created,
        deleted: file.deleted,
        prior: file.prior,
        kind: file.kind,
        renamed_from: file.renamed_from.clone(),
        bytes_read: file.bytes_read,
        bytes_written: file.bytes_written,
        pids: file.pids.clone(),
        size: version.map(|version| version.size),
        hash: None,
        prior_hash: None,
        filtered: is_filtered,
        note: None,
        first: file.first,
        since_unix_ns: file.before.filter(|_| takes_from_before).map(|before| before.ctime_ns),
    }
}

/// Returns the public report of a run.
pub(crate) fn run_report(
    report: &TracerReport,
    files: Vec<FileRecord>,
    tasks: Vec<Task>,
    objects: Vec<ObjectRecord>,
    looked_up: Lookups,
) -> RunReport {
    RunReport {
        format: RUN_REPORT_FORMAT.to_owned(),
        backend: report.backend.clone(),
        command: report.command.clone(),
        cwd: report.cwd.clone(),
        root_pid: report.root_pid,
        started_at: rfc3339(report.started_unix_ns),
        duration_ns: report.duration_ns,
        exit: report.exit,
        coverage: report.coverage.clone(),
        processes: report.processes.clone(),
        files,
        tasks,
        objects,
        looked_up,
        tracer: report.tracer.clone(),
    }
}

/// Writes the report where the user wants it.
pub(crate) fn write_report(path: &Path, report: &RunReport) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(report)?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}
