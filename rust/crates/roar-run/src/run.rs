//! One run, from the command to the record.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use roar_config::Settings;
use roar_hash::Algorithm;
use roar_store::RecordedJob;
use tracer_host::{Log, TASKS_DIR, TracerArguments};
use tracer_schema::{Exit, RunReport};

use crate::env;
use crate::error::{RecordError, RunError};
use crate::interrupted::{Recovered, recover_interrupted};
use crate::job::{Recording, record, unhashed_records};
use crate::lookups::lookups_of;
use crate::monitor::Monitor;
use crate::options::{RunOptions, Surroundings};
use crate::preflight::Preflight;
use crate::ray::{Gathered, WORKERS_END, gather};
use crate::repo::{Found, Repo, find_repo};
use crate::report::{run_report, write_report};
use crate::run_dir::{Meta, RunDir};
use crate::surroundings::{Context, filter_for};
use crate::tracer::{Traced, Tracing, trace};

/// How many times as long as a preflight a start may take: it does little more, but on a machine that may be busier.
pub(crate) const START_PATIENCE: u32 = 5;

/// What became of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// How the command ended. A command whose tracer died was killed with it.
    pub exit: Exit,
    /// The error number, if the command could not be executed.
    pub not_executed: Option<i32>,
    /// Where records are kept, and whether that place was made just now.
    pub repo: Repo,
    /// Whether `.roar` was made by this run.
    pub is_repo_new: bool,
    /// The report, if anything was seen.
    pub report: Option<RunReport>,
    /// The job, if it was recorded.
    pub job: Option<RecordedJob>,
    /// What went wrong after the command: each is a reason to tell the user, none changes the exit status.
    pub problems: Vec<RecordError>,
    /// How the tracer ended, if not well.
    pub tracer_end: Option<String>,
    /// Earlier runs that were found broken off.
    pub recovered: Vec<Recovered>,
    /// Whether more of the job may be fetched from a cluster.
    pub is_kept: bool,
}

/// Runs the command, and records it.
///
/// # Errors
/// The command has not run: see [`RunError`]. Whatever goes wrong later is in [`RunOutcome::problems`].
pub fn run(
    options: &RunOptions,
    settings: &Settings,
    around: &Surroundings,
    monitor: &dyn Monitor,
) -> Result<RunOutcome, RunError> {
    let found = find_repo(&around.cwd, around.home.as_deref());
    let repo = found.repo().clone();
    let mut problems = Vec::new();
    if let Found::Missing(repo) = &found
        && let Err(source) = repo.create()
    {
        problems.push(RecordError::Init { path: repo.dir(), source });
    }
    let mut context = Context::start(&around.cwd, settings);
    let run_dir = RunDir::create(&repo.runs_dir(), &around.temp)
        .map_err(|(path, source)| RunError::RunDir { path, source })?;
    context.settle();
    make_tasks_dir(&run_dir, around);
    if around.has_runners {
        // Without it workers of a cluster are not seen, which the Python package says.
        let _unseen = crate::ray::prepare(&run_dir, settings, &repo.root);
    }
    let traced = trace_in(&run_dir, &repo, options, settings, around, &mut problems, || {
        context.open_store(repo.dir());
    });
    if options.wants_log {
        keep_log(run_dir.path(), &repo, &mut problems);
    }
    if traced.is_err() {
        // Nothing has run, nothing is to be recovered.
        let _left = run_dir.remove();
    }
    let mut traced = traced?;
    let mut gathered = Gathered::default();
    if let Some(report) = &mut traced.report {
        gathered = gather(run_dir.path(), report, &mut traced.task_names, around, WORKERS_END);
        traced.task_names.add_gaps(&mut report.coverage);
    }
    let exit = exit_of(&traced);
    let is_repo_new = matches!(found, Found::Missing(_)) && problems.is_empty();
    let mut outcome = RunOutcome {
        exit,
        not_executed: traced.not_executed,
        is_repo_new,
        report: None,
        job: None,
        problems,
        tracer_end: traced.tracer_end.clone(),
        recovered: Vec::new(),
        is_kept: false,
        repo,
    };
    let asked = Asked { options, settings, around, monitor };
    record_run(&mut outcome, traced, &gathered, &run_dir, &asked, context);
    let is_done = outcome.job.is_some() || outcome.report.is_none();
    if outcome.is_kept {
        // Its lock is held until here: nobody has taken it for one that was broken off.
        return Ok(outcome);
    }
    if is_done || !run_dir.is_findable() {
        // A directory that stays is taken for a run that was broken off: found again, and cleared away.
        let _left = run_dir.remove();
    }
    Ok(outcome)
}

/// Makes the place where runners tell of their tasks, where there may be one that does.
pub(crate) fn make_tasks_dir(run_dir: &RunDir, around: &Surroundings) {
    if around.has_runners {
        // Without it a run is recorded as one of any other command.
        let _untold = DirBuilder::new().mode(0o700).create(run_dir.path().join(TASKS_DIR));
    }
}

/// Returns where that place is, if it was made.
pub(crate) fn tasks_dir(run_dir: &RunDir) -> Option<PathBuf> {
    std::fs::canonicalize(run_dir.path().join(TASKS_DIR)).ok()
}

/// Returns the variable by which runners find that place, if it was made.
pub(crate) fn tasks_variable(run_dir: &RunDir) -> Vec<(OsString, OsString)> {
    tasks_dir(run_dir).map(|directory| (env::TASKS.into(), directory.into())).into_iter().collect()
}

fn trace_in(
    run_dir: &RunDir,
    repo: &Repo,
    options: &RunOptions,
    settings: &Settings,
    around: &Surroundings,
    problems: &mut Vec<RecordError>,
    mut begun: impl FnMut(),
) -> Result<Traced, RunError> {
    let arguments = TracerArguments {
        run_dir: run_dir.path().to_owned(),
        control: None,
        linger_ms: settings.run_linger_ms,
        wants_log: options.wants_log,
        wants_spool: false,
        origin: None,
        variables: tasks_variable(run_dir),
        command: options.command.clone(),
    };
    let tracing = Tracing {
        mode: settings.tracer_mode,
        is_fallback_allowed: settings.tracer_fallback_enabled,
        programs: &around.programs,
        arguments: &arguments,
        preflight: Preflight::new(settings, around, Some(repo)),
        patience: Duration::from_millis(settings.tracer_preflight_timeout_ms) * START_PATIENCE,
        has_put_off: false,
        log: if options.wants_log { begin_log(run_dir, settings) } else { None },
    };
    trace(tracing, |backend| {
        let meta = Meta {
            backend: backend.name().to_owned(),
            is_build: options.kind == crate::options::JobKind::Build,
            labels: options.labels.clone(),
            wants_hashes: options.wants_hashes,
            is_driver: false,
            tasks: None,
        };
        if let Err(source) = run_dir.write_meta(&meta) {
            problems.push(RecordError::Spool { path: run_dir.path().to_owned(), source });
        }
        begun();
    })
}

/// Moves the log to where the user finds it; the one before is kept beside it.
fn keep_log(run_dir: &Path, repo: &Repo, problems: &mut Vec<RecordError>) {
    let path = repo.dir().join(tracer_host::LOG_FILE);
    let made = run_dir.join(tracer_host::LOG_FILE);
    let older = path.with_extension("log.1");
    // There need not be an older one.
    let _first = std::fs::rename(&path, older);
    // A run directory on another file system is one that is removed.
    if let Err(source) = std::fs::rename(&made, &path).or_else(|_| std::fs::copy(&made, &path).map(|_| ())) {
        problems.push(RecordError::Log { path, source });
    }
}

/// Begins the log: what a reader has to know of the machine, and how the backend is chosen.
fn begin_log(run_dir: &RunDir, settings: &Settings) -> Option<Log> {
    // Without a log the run is as good as with one.
    let mut log = Log::open(run_dir.path()).ok()?;
    let machine = rustix::system::uname();
    let words = [machine.sysname(), machine.release(), machine.machine()].map(|word| word.to_string_lossy());
    log.note(&format!("roar {}, {}", env!("CARGO_PKG_VERSION"), words.join(" ")));
    let Settings { tracer_mode, tracer_fallback_enabled, tracer_preflight_timeout_ms, run_linger_ms, .. } =
        settings;
    log.note(&format!(
        "tracer.mode {}, tracer.fallback_enabled {tracer_fallback_enabled}, tracer.preflight_timeout_ms {tracer_preflight_timeout_ms}, \
         run.linger_ms {run_linger_ms}",
        tracer_mode.name(),
    ));
    log.flush();
    Some(log)
}

/// A tracer that dies takes the command with it, unless that had ended.
pub(crate) fn exit_of(traced: &Traced) -> Exit {
    let known = traced.exit.or_else(|| traced.report.as_ref().and_then(|report| report.exit));
    known.unwrap_or(Exit::Signal { signal: rustix::process::Signal::KILL.as_raw(), core: false })
}

/// What a run was asked to be, and who is told.
struct Asked<'a> {
    options: &'a RunOptions,
    settings: &'a Settings,
    around: &'a Surroundings,
    monitor: &'a dyn Monitor,
}

fn record_run(
    outcome: &mut RunOutcome,
    traced: Traced,
    gathered: &Gathered,
    run_dir: &RunDir,
    asked: &Asked<'_>,
    mut context: Context,
) {
    let Asked { options, settings, around, monitor } = *asked;
    let mut store = match context.take_store(&outcome.repo.dir()) {
        Ok(store) => Some(store),
        Err(error) => {
            outcome.problems.push(error.into());
            None
        }
    };
    let filter = filter_for(settings, around, &outcome.repo.root);
    if let Some(report) = traced.report {
        let algorithms: Vec<Algorithm> =
            settings.hash_algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
        let recording = Recording {
            id: traced.id,
            replaced: None,
            kind: options.kind,
            rerun_of: options.rerun_of.clone(),
            began_unix_ns: run_dir.born_unix_ns(),
            filter: &filter,
            algorithms: options.wants_hashes.then_some(&algorithms),
            context: context.finish(options, settings, around, &report, &filter, store.as_mut()),
            task_names: traced.task_names,
            elsewhere: &gathered.elsewhere,
            monitor,
        };
        let (files, tasks, objects, looked_up) = match &mut store {
            Some(store) => {
                let recorded = record(&report, &recording, Ok(store));
                match recorded.job {
                    Ok(job) => outcome.job = Some(job),
                    Err(error) => outcome.problems.push(error),
                }
                (recorded.files, recorded.tasks, recorded.objects, recorded.looked_up)
            }
            None => {
                let files = unhashed_records(&report, &filter);
                (files, Vec::new(), Vec::new(), lookups_of(&report, &filter))
            }
        };
        if gathered.is_unfinished && outcome.job.is_some() && run_dir.is_findable() {
            outcome.is_kept = crate::ray::keep(run_dir, &outcome.repo, &report, &files).is_ok();
        }
        let report = run_report(&report, files, tasks, objects, looked_up);
        publish(outcome, options.report.as_deref(), around, report);
    } else {
        let how = traced.tracer_end.unwrap_or_else(|| "it said that it had written one".to_owned());
        outcome.problems.push(RecordError::NothingReported(how));
    }
    if let Some(store) = &mut store {
        outcome.recovered = recover_interrupted(&outcome.repo, around, store, &filter);
    }
}

fn publish(outcome: &mut RunOutcome, path: Option<&Path>, around: &Surroundings, report: RunReport) {
    if let Some(path) = path {
        let path: PathBuf = around.cwd.join(path);
        if let Err(source) = write_report(&path, &report) {
            outcome.problems.push(RecordError::Report { path, source });
        }
    }
    outcome.report = Some(report);
}
