//! The backends as programs: which to try, and running one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roar_config::TracerMode;
use tracer_host::{
    Log, Recovery, RecoveryArguments, Supervised, TracerArguments, Watch, parse_report, recover,
};
use tracer_schema::{Exit, FellBack, TracerReport};

use crate::error::RunError;
use crate::preflight::{Preflight, Reason, Verdict, unseen_by_preload};
use crate::run_dir::job_id;
use crate::tasks::TaskNames;

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

    /// Returns the files on which it depends whether it works, of those in a directory.
    pub(crate) fn files(self, programs: &Path) -> Vec<PathBuf> {
        let mut files = vec![self.program(programs)];
        if self == Self::Preload {
            files.push(programs.join("libroar_preload.so"));
        }
        files
    }

    /// Returns the backend that a mode names.
    pub fn of_mode(mode: TracerMode) -> Option<Self> {
        match mode {
            TracerMode::Auto => None,
            TracerMode::Ebpf => Some(Self::Ebpf),
            TracerMode::Preload => Some(Self::Preload),
            TracerMode::Ptrace => Some(Self::Ptrace),
        }
    }

    /// Returns the backends to try, in order.
    pub fn candidates(mode: TracerMode, is_fallback_allowed: bool) -> Vec<Self> {
        let Some(wanted) = Self::of_mode(mode) else {
            return Self::ALL.to_vec();
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
    /// What its tasks are called.
    pub(crate) task_names: TaskNames,
    /// Id of the job that it becomes.
    pub(crate) id: Option<String>,
}

/// What a command is traced with.
pub(crate) struct Tracing<'a> {
    pub(crate) mode: TracerMode,
    pub(crate) is_fallback_allowed: bool,
    pub(crate) programs: &'a Path,
    pub(crate) arguments: &'a TracerArguments,
    pub(crate) preflight: Preflight<'a>,
    /// How long a backend may take to start the command.
    pub(crate) patience: Duration,
    pub(crate) has_put_off: bool,
    pub(crate) log: Option<Log>,
}

/// When a backend is asked whether it can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Not at all: it was named, and its start shows.
    Never,
    /// Unless it is remembered what it said.
    Once,
    /// Though it said no: nothing else is left.
    Again,
}

/// Runs the command under the first backend that can be started. Once a command has begun, no other is tried.
pub(crate) fn trace(mut tracing: Tracing<'_>, mut chosen: impl FnMut(Backend)) -> Result<Traced, RunError> {
    let mut watch = Watch::begin().map_err(RunError::Supervise)?;
    let mut queue = tracing.queue();
    if queue.iter().any(|(backend, _)| backend.is_outlived()) {
        watch.adopt();
    }
    let mut tried: Vec<(Backend, String)> = Vec::new();
    while let Some((backend, asked)) = queue.pop_front() {
        if let Some(reason) = tracing.put_off(backend) {
            queue.push_back((backend, asked));
            let reason = reason.words();
            tracing.note(&format!("{backend} is put off: {reason}"));
            tried.push((backend, reason));
            continue;
        }
        let outcome = match tracing.verdict(backend, asked) {
            (Verdict::Usable, _) => tracing.attempt(backend, &mut watch, &mut chosen)?,
            (Verdict::Unusable(reason), is_remembered) => {
                if is_remembered {
                    queue.push_back((backend, Asked::Again));
                }
                Attempt::PassedOver(reason.words())
            }
        };
        match outcome {
            Attempt::Begun(begun) => {
                tried.retain(|(other, _)| *other != backend);
                return Ok(finish(backend, *begun, tracing.arguments, tried));
            }
            Attempt::PassedOver(reason) => {
                tracing.note(&format!("{backend} is passed over: {reason}"));
                tried.retain(|(other, _)| *other != backend);
                tried.push((backend, reason));
            }
        }
    }
    Err(RunError::NoTracer { tried })
}

/// What came of a backend.
enum Attempt {
    /// The command was run.
    Begun(Box<(Supervised, Ending)>),
    /// It was not, because of this.
    PassedOver(String),
}

impl Tracing<'_> {
    /// Returns the backends to try, in order.
    fn queue(&self) -> VecDeque<(Backend, Asked)> {
        let named = Backend::of_mode(self.mode);
        let candidates = Backend::candidates(self.mode, self.is_fallback_allowed);
        let asked = |backend| if named == Some(backend) { Asked::Never } else { Asked::Once };
        candidates.into_iter().map(|backend| (backend, asked(backend))).collect()
    }

    /// Writes to the log, before the tracer does.
    fn note(&mut self, words: &str) {
        if let Some(log) = &mut self.log {
            log.note(words);
            log.flush();
        }
    }

    /// Returns why a backend is to be tried after the others, if it is: preload by `auto`, of a program that it does not see.
    fn put_off(&mut self, backend: Backend) -> Option<Reason> {
        if backend != Backend::Preload || self.mode != TracerMode::Auto || self.has_put_off {
            return None;
        }
        self.has_put_off = true;
        unseen_by_preload(&self.arguments.command)
    }

    /// Returns what is known of a backend, and whether that is from earlier.
    fn verdict(&mut self, backend: Backend, asked: Asked) -> (Verdict, bool) {
        match asked {
            Asked::Never => (Verdict::Usable, false),
            Asked::Once => match self.preflight.remembered(backend) {
                Some(verdict) => (verdict, true),
                None => (self.preflight.verdict(backend), false),
            },
            Asked::Again => (self.preflight.verdict(backend), false),
        }
    }

    fn attempt(
        &mut self,
        backend: Backend,
        watch: &mut Watch,
        chosen: &mut impl FnMut(Backend),
    ) -> Result<Attempt, RunError> {
        let Self { programs, arguments, .. } = *self;
        let program = backend.program(programs);
        let (child, control) = match watch.launch(&program, arguments) {
            Ok(launched) => launched,
            Err(error) => return Ok(Attempt::PassedOver(self.not_started(backend, &error))),
        };
        chosen(backend);
        self.note(&format!("{backend} is started: {}", program.display()));
        let told = watch.supervise(&control, child.id(), self.patience).map_err(RunError::Supervise)?;
        let mut end = Ending { tracer: None, status: None };
        if !told.is_reported {
            end.tracer = Some(reap(child));
        }
        let left = if told.is_reported { None } else { left_behind(backend, watch, &told) };
        if let Some(root) = left {
            end.status = watch.outlast(root).map_err(RunError::Supervise)?.or(told.status);
            let left = watch.linger(Duration::from_millis(arguments.linger_ms));
            let linger_ms = u64::try_from(left.as_millis()).unwrap_or(arguments.linger_ms);
            if backend.keeps_journal() {
                recover_by_tracer(&program, &arguments.run_dir, linger_ms, end.status);
            }
        } else if let Some(reason) = could_not_trace(&told) {
            // If it was killed, what it had made is still there.
            clear_up(&arguments.run_dir, programs);
            return Ok(Attempt::PassedOver(self.explained(backend, reason)));
        }
        Ok(Attempt::Begun(Box::new((told, end))))
    }

    fn not_started(&mut self, backend: Backend, error: &io::Error) -> String {
        self.explained(backend, format!("it cannot be started: {error}"))
    }

    /// Returns why a backend that should have started did not, in its own words if it has some.
    fn explained(&mut self, backend: Backend, reason: String) -> String {
        self.preflight.forget(backend);
        match self.preflight.verdict(backend) {
            Verdict::Usable => {
                // It does not keep to it: the next run asks once more.
                self.preflight.forget(backend);
                reason
            }
            Verdict::Unusable(found) => found.words(),
        }
    }
}

/// Returns why the tracer could not begin, in which case the command has not run.
fn could_not_trace(told: &Supervised) -> Option<String> {
    if told.root_pid.is_some() || told.is_reported {
        return None;
    }
    Some(match told.not_traced {
        Some(errno) => format!("it may not trace here: {}", io::Error::from_raw_os_error(errno)),
        None if told.is_late => "it did not begin to trace in time, and was killed".to_owned(),
        None => "it ended before it began to trace".to_owned(),
    })
}

/// Clears away what a tracer has made that has not begun, for the next that is tried.
pub(crate) fn clear_up(run_dir: &Path, programs: &Path) {
    recover_journal(run_dir, programs);
    // There need not be one.
    let _none = std::fs::remove_file(run_dir.join(tracer_host::SPOOL_FILE));
}

/// Has the tracer whose journal is there, if one is, make the report of what is left of a run, and clear the journal away. Returns whether the
/// command still runs, so that it cannot be made yet.
pub(crate) fn recover_journal(run_dir: &Path, programs: &Path) -> bool {
    has_journal(run_dir) && recover_by_tracer(&Backend::Preload.program(programs), run_dir, 0, None)
}

/// Returns whether there is a journal, which the tracer that made it has to look at, or to clear away.
fn has_journal(run_dir: &Path) -> bool {
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
fn recover_by_tracer(program: &Path, run_dir: &Path, linger_ms: u64, status: Option<i32>) -> bool {
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
    (told, end): (Supervised, Ending),
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
    let task_names = TaskNames::read(&arguments.run_dir);
    Traced { report, exit, not_executed: told.not_executed, tracer_end, task_names, id }
}

/// Waits for a tracer that has nothing more to say, and says how it ended.
fn reap(mut child: Child) -> String {
    match child.wait() {
        Ok(status) => format!("the tracer ended before the run did ({status})"),
        Err(error) => format!("the tracer ended before the run did, nobody knows how ({error})"),
    }
}
