//! The backends as programs: which to try, and running one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roar_config::TracerMode;
use tracer_host::{Recovery, RecoveryArguments, Supervised, TracerArguments, Watch, parse_report, recover};
use tracer_schema::{Exit, FellBack, TracerReport};

use crate::error::RunError;
use crate::run_dir::job_id;

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// eBPF.
    Ebpf,
    /// A preloaded library.
    Preload,
    /// ptrace.
    Ptrace,
}

impl Backend {
    /// In the order in which `auto` tries them.
    pub const ALL: &[Self] = &[Self::Ebpf, Self::Preload, Self::Ptrace];

    /// Returns the name in reports, options and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ebpf => "ebpf",
            Self::Preload => "preload",
            Self::Ptrace => "ptrace",
        }
    }

    /// Returns whether the command goes on when its tracer is killed.
    fn is_outlived(self) -> bool {
        self != Self::Ptrace
    }

    /// Returns whether such a command tells what it does where a later process of the tracer finds it.
    fn keeps_journal(self) -> bool {
        self == Self::Preload
    }

    /// Returns the tracer program, of those in a directory.
    pub fn program(self, programs: &Path) -> PathBuf {
        programs.join(format!("roar-tracer-{}", self.name()))
    }

    /// Returns the backends to try, in order.
    pub fn candidates(mode: TracerMode, is_fallback_allowed: bool) -> Vec<Self> {
        let wanted = match mode {
            TracerMode::Auto => return Self::ALL.to_vec(),
            TracerMode::Ebpf => Self::Ebpf,
            TracerMode::Preload => Self::Preload,
            TracerMode::Ptrace => Self::Ptrace,
        };
        let mut candidates = vec![wanted];
        if is_fallback_allowed {
            candidates.extend(Self::ALL.iter().filter(|backend| **backend != wanted));
        }
        candidates
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of running the command under a tracer.
#[derive(Debug)]
pub(crate) struct Traced {
    /// What was seen; `None` where nothing can be known.
    pub(crate) report: Option<TracerReport>,
    /// How the command ended, where the tracer did not live to tell.
    pub(crate) exit: Option<Exit>,
    pub(crate) not_executed: Option<i32>,
    /// How the tracer ended, where that tells more than its report.
    pub(crate) tracer_end: Option<String>,
    /// Id of the job that it becomes.
    pub(crate) id: Option<String>,
}

/// Runs the command under the first backend that can be started. Once a command has begun, no other is tried.
pub(crate) fn trace(
    candidates: &[Backend],
    programs: &Path,
    arguments: &TracerArguments,
    mut chosen: impl FnMut(Backend),
) -> Result<Traced, RunError> {
    let mut watch = Watch::begin().map_err(RunError::Supervise)?;
    if candidates.iter().any(|backend| backend.is_outlived()) {
        watch.adopt();
    }
    let mut tried: Vec<(Backend, String)> = Vec::new();
    for backend in candidates {
        let program = backend.program(programs);
        let (child, control) = match watch.launch(&program, arguments) {
            Ok(launched) => launched,
            Err(error) => {
                tried.push((*backend, not_started(&program, &error)));
                continue;
            }
        };
        chosen(*backend);
        let told = watch.supervise(&control, child.id()).map_err(RunError::Supervise)?;
        let mut end = Ending { tracer: None, status: None };
        if !told.is_reported {
            end.tracer = Some(reap(child));
        }
        let left = if told.is_reported { None } else { left_behind(*backend, &watch, &told) };
        if let Some(root) = left {
            end.status = watch.outlast(root).map_err(RunError::Supervise)?.or(told.status);
            let left = watch.linger(Duration::from_millis(arguments.linger_ms));
            let linger_ms = u64::try_from(left.as_millis()).unwrap_or(arguments.linger_ms);
            if backend.keeps_journal() {
                recover_by_tracer(&program, &arguments.run_dir, linger_ms, end.status);
            }
        } else if let Some(reason) = could_not_trace(*backend, &told) {
            // If it was killed, what it had made is still there.
            clear_up(&program, &arguments.run_dir);
            tried.push((*backend, reason));
            continue;
        }
        return Ok(finish(*backend, &told, end, arguments, tried));
    }
    Err(RunError::NoTracer { tried })
}

fn not_started(program: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return format!("not installed: there is no {}", program.display());
    }
    format!("{} cannot be started: {error}", program.display())
}

/// Returns why the tracer could not begin, in which case the command has not run.
fn could_not_trace(backend: Backend, told: &Supervised) -> Option<String> {
    if told.root_pid.is_some() || told.is_reported {
        return None;
    }
    Some(match told.not_traced {
        Some(errno) => {
            let reason = io::Error::from_raw_os_error(errno);
            let is_unset = backend == Backend::Ebpf && reason.kind() == io::ErrorKind::PermissionDenied;
            let remedy = if is_unset { "; `roar tracer enable ebpf` lets users trace" } else { "" };
            format!("it may not trace here: {reason}{remedy}")
        }
        None => "it ended before it began to trace".to_owned(),
    })
}

/// Clears away what a tracer has made that has not begun, for the next that is tried.
fn clear_up(program: &Path, run_dir: &Path) {
    if has_journal(run_dir) {
        recover_by_tracer(program, run_dir, 0, None);
    }
    // There need not be one.
    let _none = std::fs::remove_file(run_dir.join(tracer_host::SPOOL_FILE));
}

/// Returns whether there is a journal, which the tracer that made it has to look at, or to clear away.
pub(crate) fn has_journal(run_dir: &Path) -> bool {
    std::fs::symlink_metadata(run_dir.join(tracer_host::JOURNAL_LINK)).is_ok()
}

/// How a run ended whose tracer did not tell.
struct Ending {
    /// How the tracer ended.
    tracer: Option<String>,
    /// The wait status of the command, which outlived it.
    status: Option<i32>,
}

/// Returns the command that a tracer has left behind.
fn left_behind(backend: Backend, watch: &Watch, told: &Supervised) -> Option<u32> {
    if backend.is_outlived() { watch.find_left(told.root_pid) } else { None }
}

/// Has the report made of a run whose tracer was killed. Returns whether the command still runs, so that it cannot be made yet.
pub(crate) fn recover_by_tracer(program: &Path, run_dir: &Path, linger_ms: u64, status: Option<i32>) -> bool {
    let arguments = RecoveryArguments { run_dir: run_dir.to_owned(), linger_ms, status };
    let ended = Command::new(program)
        .args(arguments.to_arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Where it fails, what else is left of the run has to do.
    ended.is_ok_and(|ended| ended.code() == Some(RecoveryArguments::STILL_RUNNING.into()))
}

fn finish(
    backend: Backend,
    told: &Supervised,
    end: Ending,
    arguments: &TracerArguments,
    tried: Vec<(Backend, String)>,
) -> Traced {
    let Ending { tracer: tracer_end, status } = end;
    let detail = tracer_end.clone().unwrap_or_default();
    let sent = told.report.as_ref().and_then(|bytes| parse_report(bytes, &arguments.run_dir).ok());
    let mut report = sent.or_else(|| match recover(&arguments.run_dir, backend.name(), &detail) {
        Recovery::Report(report) | Recovery::Spool(report) => Some(*report),
        Recovery::Nothing => None,
    });
    let exit = status.map(Exit::from_wait_status);
    if let Some(report) = &mut report {
        report.exit = exit.or(report.exit);
        report.tracer.fell_back_from = tried
            .into_iter()
            .map(|(backend, reason)| FellBack { backend: backend.name().to_owned(), reason })
            .collect();
    }
    let id = job_id(&arguments.run_dir);
    Traced { report, exit, not_executed: told.not_executed, tracer_end, id }
}

/// Waits for a tracer that has nothing more to say, and says how it ended.
fn reap(mut child: Child) -> String {
    match child.wait() {
        Ok(status) => format!("the tracer ended before the run did ({status})"),
        Err(error) => format!("the tracer ended before the run did, nobody knows how ({error})"),
    }
}
