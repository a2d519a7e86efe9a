//! What a tracer saw before it died: the spool, summed up without it.

use std::fs;
use std::path::Path;

use tracer_fd::{Aggregator, World};
use tracer_schema::stream::{Item, Reader};
use tracer_schema::{EventKind, Exit, Gap, GapKind, TextId, TracerReport, TracerStats};

use crate::recorder::{SPOOL_FILE, watch_tasks};
use crate::report_file::{read_report, report_of};
use crate::world::{Disk, Elsewhere};

/// What could be had of a run whose tracer left no word.
#[derive(Debug)]
pub enum Recovery {
    /// The tracer had written its report.
    Report(Box<TracerReport>),
    /// The events up to the tracer's death, as a partial report.
    Spool(Box<TracerReport>),
    /// Nothing: the command never started, or its events could not be kept.
    Nothing,
}

/// What a tracer has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The root process.
    pub root: u32,
    /// Its working directory.
    pub cwd: Vec<u8>,
    /// Its arguments, NUL-separated.
    pub command: Vec<u8>,
    /// When, nanoseconds since 1970.
    pub unix_ns: i64,
}

/// Returns what a tracer has started in its run directory.
pub fn started(run_dir: &Path) -> Option<Started> {
    let frames = fs::read(run_dir.join(SPOOL_FILE)).ok()?;
    let mut texts: Vec<(TextId, &[u8])> = Vec::new();
    for item in Reader::new(&frames) {
        match item {
            Item::Text(id, bytes) => texts.push((id, bytes)),
            Item::Event(event) if event.kind == EventKind::Start => {
                let text = |wanted: TextId| {
                    texts.iter().find(|(id, _)| *id == wanted).map_or(Vec::new(), |(_, bytes)| bytes.to_vec())
                };
                let (cwd, command) = (text(event.text), text(event.text2));
                return Some(Started { root: event.pid, cwd, command, unix_ns: event.value as i64 });
            }
            Item::Event(_) | Item::Unknown(_) => {}
        }
    }
    None
}

/// Recovers what a tracer left in its run directory.
pub fn recover(run_dir: &Path, backend: &str, detail: &str) -> Recovery {
    let mut aggregator = Aggregator::new();
    watch_tasks(&mut aggregator, run_dir);
    recover_with(aggregator, run_dir, backend, detail, &mut Disk)
}

/// Recovers what a tracer left in a run directory that has been moved since, or carried here from another machine: what its files are like
/// now cannot be seen from here then. `tasks` is where [`TASKS_DIR`](crate::TASKS_DIR) was while the tracer worked, if it was anywhere.
pub fn recover_moved(
    run_dir: &Path,
    tasks: Option<&[u8]>,
    is_elsewhere: bool,
    backend: &str,
    detail: &str,
) -> Recovery {
    let mut aggregator = Aggregator::new();
    if let Some(tasks) = tasks {
        aggregator.watch_tasks(tasks);
    }
    let world: &mut dyn World = if is_elsewhere { &mut Elsewhere } else { &mut Disk };
    recover_with(aggregator, run_dir, backend, detail, world)
}

fn recover_with(
    mut aggregator: Aggregator,
    run_dir: &Path,
    backend: &str,
    detail: &str,
    world: &mut dyn World,
) -> Recovery {
    if let Ok(report) = read_report(run_dir) {
        return Recovery::Report(Box::new(report));
    }
    let Ok(frames) = fs::read(run_dir.join(SPOOL_FILE)) else {
        return Recovery::Nothing;
    };
    aggregator.apply_stream(&frames);
    aggregator.add_gap(Gap { kind: GapKind::TracerDied, pid: 0, path: None, detail: detail.to_owned() });
    let summary = aggregator.finish(world);
    if summary.root_pid == 0 {
        return Recovery::Nothing;
    }
    let mut report = report_of(summary, backend, &[], TracerStats::default());
    let root = report.processes.iter().find(|process| process.pid == report.root_pid);
    // What still ran was killed with its tracer (PTRACE_O_EXITKILL).
    report.exit =
        root.and_then(|root| root.exit).or(Some(Exit::Signal { signal: libc::SIGKILL, core: false }));
    Recovery::Spool(Box::new(report))
}
