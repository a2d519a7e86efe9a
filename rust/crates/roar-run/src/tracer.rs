//! The backends as programs: which to try, and running one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;

use roar_config::TracerMode;
use tracer_host::{Recovery, Supervised, TracerArguments, Watch, parse_report, recover};
use tracer_schema::{FellBack, TracerReport};

use crate::error::RunError;

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

    fn program(self, programs: &Path) -> PathBuf {
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
    pub(crate) not_executed: Option<i32>,
    /// How the tracer ended, where that tells more than its report.
    pub(crate) tracer_end: Option<String>,
}

/// Runs the command under the first backend that can be started. Once a command has begun, no other is tried.
pub(crate) fn trace(
    candidates: &[Backend],
    programs: &Path,
    arguments: &TracerArguments,
    mut chosen: impl FnMut(Backend),
) -> Result<Traced, RunError> {
    let mut watch = Watch::begin().map_err(RunError::Supervise)?;
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
        if let Some(reason) = could_not_trace(&told) {
            reap(child);
            tried.push((*backend, reason));
            continue;
        }
        return Ok(finish(*backend, &told, child, arguments, tried));
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
fn could_not_trace(told: &Supervised) -> Option<String> {
    if told.root_pid.is_some() || told.is_reported {
        return None;
    }
    Some(match told.not_traced {
        Some(errno) => format!("it may not trace here: {}", io::Error::from_raw_os_error(errno)),
        None => "it ended before it began to trace".to_owned(),
    })
}

fn finish(
    backend: Backend,
    told: &Supervised,
    child: Child,
    arguments: &TracerArguments,
    tried: Vec<(Backend, String)>,
) -> Traced {
    let tracer_end = if told.is_reported { None } else { Some(reap(child)) };
    let detail = tracer_end.clone().unwrap_or_default();
    let sent = told.report.as_ref().and_then(|bytes| parse_report(bytes, &arguments.run_dir).ok());
    let mut report = sent.or_else(|| match recover(&arguments.run_dir, backend.name(), &detail) {
        Recovery::Report(report) | Recovery::Spool(report) => Some(*report),
        Recovery::Nothing => None,
    });
    if let Some(report) = &mut report {
        report.tracer.fell_back_from = tried
            .into_iter()
            .map(|(backend, reason)| FellBack { backend: backend.name().to_owned(), reason })
            .collect();
    }
    Traced { report, not_executed: told.not_executed, tracer_end }
}

/// Waits for a tracer that has nothing more to say, and says how it ended.
fn reap(mut child: Child) -> String {
    match child.wait() {
        Ok(status) => format!("the tracer ended before the run did ({status})"),
        Err(error) => format!("the tracer ended before the run did, nobody knows how ({error})"),
    }
}
