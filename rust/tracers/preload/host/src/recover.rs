//! Runs whose collector was killed: the journal is there still, and the processes go on telling it what they do.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracer_host::{Recorder, RecoveryArguments, Started, read_report, write_report};
use tracer_schema::{Exit, GapKind};

use crate::collector::{Collector, First};
use crate::journal_file::JournalFile;
use crate::reader::Reader;
use crate::run::{Run, is_running, sum_up};

/// Makes the report of a run whose collector was killed, and clears away what that left.
///
/// # Errors
/// There is nothing to make it of; or, of kind `WouldBlock`, somebody is at work on it still: the collector, or the command.
pub(crate) fn recover(arguments: &RecoveryArguments) -> io::Result<()> {
    let run_dir = &arguments.run_dir;
    if tracer_host::is_spool_in_use(run_dir) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    if read_report(run_dir).is_ok() {
        JournalFile::clear(run_dir);
        return Ok(());
    }
    let started = tracer_host::started(run_dir);
    if let Some(started) = &started
        && arguments.status.is_none()
        && is_of_run(started.root, run_dir)
    {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let made = JournalFile::find(run_dir).and_then(|journal| {
        let started = started.ok_or(io::ErrorKind::NotFound)?;
        make_report(arguments, &journal, &started)
    });
    // Also where there is nothing in it: a collector was killed before it began.
    JournalFile::clear(run_dir);
    made
}

/// Returns whether a process runs that was started as the root of the run: its environment names the journal. By number alone it could be
/// another that came later.
fn is_of_run(pid: u32, run_dir: &Path) -> bool {
    let Some(journal) = JournalFile::path_of(run_dir) else { return false };
    let names_it = |file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        memchr::memmem::find(&bytes, journal.as_os_str().as_bytes()).is_some()
    };
    is_running(pid) && (names_it("environ") || names_it("maps"))
}

fn make_report(arguments: &RecoveryArguments, journal: &JournalFile, started: &Started) -> io::Result<()> {
    let Started { root, cwd, command, unix_ns } = started;
    let mut collector = Collector::new(Recorder::in_memory(&arguments.run_dir), journal.log);
    collector.begin(*root, cwd, command, First::default());
    let reader = Reader::new(journal.log);
    let root_pid = *root as libc::pid_t;
    let mut run = Run { collector, reader, root: root_pid, status: arguments.status, orphans: None };
    run.linger(Duration::from_millis(arguments.linger_ms));
    journal.log.head().is_over.store(1, Ordering::Release);
    run.read(true);
    run.tell_left();
    let detail = "the tracer was killed: the record was made afterwards, from what the processes had told";
    run.collector.recorder.tell_gap(GapKind::TracerDied, 0, None, detail);
    let mut report = sum_up(run.collector, 0);
    let told = report.processes.iter().find(|process| process.pid == *root).and_then(|process| process.exit);
    report.started_unix_ns = *unix_ns;
    report.exit = arguments.status.map(Exit::from_wait_status).or(told);
    let bytes = tracer_host::encode_report(&report).map_err(io::Error::other)?;
    write_report(&arguments.run_dir, &bytes).map_err(io::Error::other)
}
