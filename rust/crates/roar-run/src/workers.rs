//! Workers of a runner that are no children of the run: each has a tracer of its own, which leaves what it sees in a directory that the
//! run has made, and the run puts all of it together.
//!
//! Such a directory of a worker is a run directory, and as safe as one: a tracer's spool has each event before the worker goes on.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use roar_config::{Settings, TracerMode};
use tracer_host::{Recovery, TracerArguments, recover};
use tracer_schema::{Exit, Gap, GapKind, TracerReport};

use crate::error::RunError;
use crate::merge::merge;
use crate::options::Surroundings;
use crate::preflight::Preflight;
use crate::run::{START_PATIENCE, exit_of, make_tasks_dir, tasks_variable};
use crate::run_dir::{Meta, RunDir, job_id, wait_for_end};
use crate::tasks::TaskNames;
use crate::tracer::{Tracing, trace};

/// Name of the directory in the run directory for the workers.
pub(crate) const WORKERS_DIR: &str = "workers";

/// How the names of files begin by which a worker without a tracer is told of.
const UNSEEN: &str = "unseen.";

/// How long workers are waited for that still run when the command has ended: Ray gives its own some seconds to end.
const WORKERS_END: Duration = Duration::from_secs(10);

/// Runs a worker's command under a tracer, and leaves what that sees below `store`.
///
/// # Errors
/// The command has not run.
pub fn run_worker(
    store: &Path,
    command: Vec<OsString>,
    settings: &Settings,
    around: &Surroundings,
) -> Result<Exit, RunError> {
    let run_dir = RunDir::create_in(store, true)
        .map_err(|source| RunError::RunDir { path: store.to_owned(), source })?;
    make_tasks_dir(&run_dir, around);
    let arguments = TracerArguments {
        run_dir: run_dir.path().to_owned(),
        control: None,
        linger_ms: settings.run_linger_ms,
        wants_log: false,
        origin: None,
        variables: tasks_variable(&run_dir),
        command,
    };
    // The spool of ptrace outlives the node if the directory does; the journal of preload is in the node's memory.
    let mode =
        if settings.tracer_mode == TracerMode::Auto { TracerMode::Ptrace } else { settings.tracer_mode };
    let tracing = Tracing {
        mode,
        is_fallback_allowed: settings.tracer_fallback_enabled,
        programs: &around.programs,
        arguments: &arguments,
        preflight: Preflight::new(settings, around, None),
        patience: Duration::from_millis(settings.tracer_preflight_timeout_ms) * START_PATIENCE,
        has_put_off: false,
        log: None,
    };
    let traced = trace(tracing, |backend| {
        let meta = Meta {
            backend: backend.name().to_owned(),
            is_build: false,
            labels: Vec::new(),
            wants_hashes: true,
        };
        // Without it the report is of a backend that is not named rightly.
        let _unnamed = run_dir.write_meta(&meta);
    });
    if traced.is_err() {
        let _left = run_dir.remove();
    }
    traced.map(|traced| exit_of(&traced))
}

/// Tells the job that a worker runs without a tracer, and why.
pub fn tell_unseen(store: &Path, reason: &str) {
    let host = rustix::system::uname();
    let name = format!("{UNSEEN}{}.{}", host.nodename().to_string_lossy(), std::process::id());
    // A store that cannot be written to may be the reason.
    let _untold = fs::write(store.join(name), reason);
}

/// Adds to the report of a run what its workers' tracers have seen.
pub(crate) fn collect(run_dir: &Path, report: &mut TracerReport, names: &mut TaskNames) {
    let store = run_dir.join(WORKERS_DIR);
    let until = Instant::now() + WORKERS_END;
    let mut parts = Vec::new();
    for path in fs::read_dir(&store).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(host) = name.strip_prefix(UNSEEN) {
            let reason = fs::read_to_string(&path).unwrap_or_default();
            let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
            let reason = reason.unwrap_or("roar is not installed there as it is here");
            let detail = format!("a worker ran without a tracer (host and process {host}): {reason}");
            add_gap(report, GapKind::UntracedProcess, detail);
        } else if job_id(&path).is_some() {
            let has_ended = wait_for_end(&path, until);
            names.add(&path);
            parts.extend(part_of(&path, has_ended, report));
        }
    }
    if !parts.is_empty() {
        merge(report, parts);
    }
}

fn add_gap(report: &mut TracerReport, kind: GapKind, detail: String) {
    report.coverage.complete = false;
    report.coverage.gaps.push(Gap { kind, pid: 0, path: None, detail });
}

fn part_of(path: &Path, has_ended: bool, report: &mut TracerReport) -> Option<TracerReport> {
    let backend = RunDir::meta_at(path).map_or_else(|_| "ptrace".to_owned(), |meta| meta.backend);
    let detail = if has_ended {
        "a worker's tracer was killed, or its node was lost: what was seen until then is kept"
    } else {
        "a worker still ran when the job had ended: what was seen until then is kept"
    };
    match recover(path, &backend, detail) {
        Recovery::Report(part) | Recovery::Spool(part) => Some(*part),
        Recovery::Nothing => {
            add_gap(
                report,
                GapKind::TracerDied,
                "a worker and its tracer were killed before anything was seen".to_owned(),
            );
            None
        }
    }
}
