//! `roar run` and `roar build`: from flags to a run, and from what came of it to words and an exit status.

use std::ffi::OsString;

use roar_config::Override;
use roar_run::{RecordError, Recovered, RunError, RunOptions, RunOutcome, Surroundings};
use roar_store::{JobKind, RecordedJob};
use rustix::io::Errno;
use rustix::process::Signal;
use tracer_schema::{Exit, FileRecord, RunReport, Task};

use crate::cli::RunArgs;
use crate::coverage::partial;
use crate::env::{Environment, has_python_package};
use crate::error::{CliError, Kind};
use crate::ui::{self, Progress, Role};
use crate::view::command_line;
use crate::{phrase, place, quote};

/// Status where `--require-complete` is given and something could not be observed.
const INCOMPLETE_STATUS: u8 = 124;

/// Status of a command that is not executable, as shells have it.
const NOT_EXECUTABLE_STATUS: u8 = 126;

/// Status of a command that is not there, as shells have it.
const NOT_FOUND_STATUS: u8 = 127;

/// Signals whose victim a shell wants to see as such: it breaks off a loop, for one, when its command died of SIGINT.
const SHELL_SIGNALS: [i32; 3] = [Signal::INT.as_raw(), Signal::QUIT.as_raw(), Signal::TERM.as_raw()];

/// From this count of `-v` on, the tracer writes a debug log.
const LOG_VERBOSITY: u8 = 2;

/// How the ptrace tracer names its way of working without a seccomp filter.
const EVERY_SYSCALL: &str = "syscall";

/// How much is said beside what the command says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Voice {
    /// Errors alone.
    Quiet,
    /// One line on what was recorded, and warnings.
    Normal,
    /// Everything.
    Verbose,
}

pub(crate) fn run(args: RunArgs, kind: JobKind, environment: &Environment) -> Result<u8, CliError> {
    let overrides = overrides(&args);
    let config = place::config(environment, &overrides)?;
    let voice = match (args.quiet, args.verbose) {
        (true, _) => Voice::Quiet,
        (false, 0) => Voice::Normal,
        (false, _) => Voice::Verbose,
    };
    let requires_complete = args.require_complete;
    let options = options(args, kind);
    let progress = Progress::new(voice == Voice::Quiet, voice == Voice::Verbose);
    let outcome = roar_run::run(&options, &config.settings, &surroundings(environment), &progress);
    progress.finish();
    let outcome = outcome.map_err(|error| not_run(&error))?;
    // What roar adds to a file that it has just recorded would make another file of it.
    let voice = if outcome.report.as_ref().is_some_and(says_into_output) { Voice::Quiet } else { voice };
    tell(&outcome, &options, voice);
    if voice != Voice::Quiet {
        tell_fallback(&outcome, config.settings.tracer_mode.name(), voice);
    }
    Ok(status(&outcome, requires_complete, voice))
}

/// Returns whether what is said goes to a file that the command has written: its standard error, and ours.
fn says_into_output(report: &RunReport) -> bool {
    let Ok(stderr) = std::fs::read_link("/proc/self/fd/2") else { return false };
    let is_it = |file: &FileRecord| file.role == tracer_schema::Role::Output && file.path.as_path() == stderr;
    report.files.iter().any(is_it)
}

/// Returns what the flags say of the configuration.
fn overrides(args: &RunArgs) -> Vec<Override<'_>> {
    let mode = args.tracer.as_deref().map(|text| Override { flag: "--tracer", key: "tracer.mode", text });
    let fallback = args.no_tracer_fallback.then_some(Override {
        flag: "--no-tracer-fallback",
        key: "tracer.fallback_enabled",
        text: "false",
    });
    mode.into_iter().chain(fallback).collect()
}

/// Returns what the flags say of the run.
fn options(args: RunArgs, kind: JobKind) -> RunOptions {
    let RunArgs {
        tracer: _,
        no_tracer_fallback: _,
        report,
        no_hash,
        require_complete: _,
        quiet: _,
        verbose,
        labels,
        rerun_of,
        command,
    } = args;
    RunOptions {
        command,
        report,
        wants_hashes: !no_hash,
        wants_log: verbose >= LOG_VERBOSITY,
        kind,
        labels,
        rerun_of,
    }
}

pub(super) fn surroundings(environment: &Environment) -> Surroundings {
    let Environment { cwd, home, caches, temp, columns: _, pager: _, sudo: _, program, programs, variables } =
        environment;
    Surroundings {
        cwd: cwd.clone(),
        home: home.clone(),
        caches: caches.clone(),
        programs: programs.clone(),
        has_runners: has_python_package(program),
        temp: temp.clone(),
        environment: variables.clone(),
    }
}

/// Says why the command was not run.
fn not_run(error: &RunError) -> CliError {
    let failure = CliError::from_error(Kind::Environment, error);
    match error {
        RunError::NoTracer { tried } => tried
            .iter()
            .fold(failure, |failure, (backend, reason)| failure.with_hint(format!("{backend}: {reason}")))
            .with_hint("the command was not run; run it without `roar run` to do without a record"),
        RunError::RunDir { .. } => {
            failure.with_hint("make that directory writable, or set TMPDIR to one that is")
        }
        RunError::Supervise(_) => failure,
    }
}

/// Says what came of the run.
fn tell(outcome: &RunOutcome, options: &RunOptions, voice: Voice) {
    if let Some(errno) = outcome.not_executed {
        ui::print_error(&not_executed(Errno::from_raw_os_error(errno), &options.command));
    }
    for problem in &outcome.problems {
        ui::print_error(&problem_of(problem));
    }
    if voice == Voice::Quiet {
        return;
    }
    if outcome.is_repo_new {
        ui::say(format_args!("roar: made {}", outcome.repo.dir().display()));
    }
    for recovered in &outcome.recovered {
        tell_recovered(recovered);
    }
    let (Some(job), Some(report)) = (&outcome.job, &outcome.report) else {
        return;
    };
    tell_recorded(report, job, voice == Voice::Verbose);
    if outcome.is_kept {
        ui::hint(format_args!("`roar ray fetch @{}` fetches what is missing, once it is there", job.step));
    }
}

/// Says what was recorded.
pub(super) fn tell_recorded(report: &RunReport, job: &RecordedJob, is_verbose: bool) {
    let counts = [(job.counts.inputs, "input"), (job.counts.outputs, "output")];
    let tasks = (report.tasks.len() as u64, "task");
    let counts = counts.into_iter().chain((tasks.0 > 0).then_some(tasks));
    let counts = counts.map(|(count, thing)| phrase::count(count, thing)).collect::<Vec<_>>().join(", ");
    let step = Role::Step.paint(format!("@{}", job.step));
    let took = phrase::duration(report.duration_ns);
    let backend = if is_verbose { format!(", {}", report.backend) } else { String::new() };
    ui::say(format_args!("roar: {step} recorded: {counts} ({took}{backend})"));
    if report.tracer.mode == EVERY_SYSCALL {
        ui::warn(format_args!(
            "seccomp is refused here, so the command was stopped at every system call: it was seen whole, and slowed down"
        ));
    }
    let is_shared = |task: &&Task| task.files.iter().any(|used| used.is_shared);
    let shared = report.tasks.iter().filter(is_shared).count() as u64;
    if shared > 0 {
        ui::warn(format_args!(
            "{} ran beside others in one process and cannot be told apart in everything (`roar show @{}`)",
            phrase::count(shared, "task"),
            job.step
        ));
    }
    if !report.coverage.complete {
        let words = partial(&report.coverage, &report.backend, job.step);
        ui::warn(format_args!("this record is partial: {words}"));
    }
}

/// Says that the backend that was asked for could not be used. What `auto` passed over is told by `roar tracer`, by `roar show`, and here
/// to whoever wants to know everything.
fn tell_fallback(outcome: &RunOutcome, asked: &str, voice: Voice) {
    for passed in outcome.report.iter().flat_map(|report| &report.tracer.fell_back_from) {
        if passed.backend == asked {
            ui::warn(format_args!("the {asked} backend could not be used: {}", passed.reason));
        } else if voice == Voice::Verbose {
            ui::say(format_args!("roar: passed over {}: {}", passed.backend, passed.reason));
        }
    }
}

fn tell_recovered(recovered: &Recovered) {
    let command = match recovered.command.as_slice() {
        [] => "a run".to_owned(),
        words => format!("`{}`", command_line(words)),
    };
    match &recovered.job {
        Some(job) => ui::say(format_args!(
            "roar: {command} was broken off earlier; what was seen of it is recorded as job {job}"
        )),
        None => {
            ui::warn(format_args!("{command} was broken off earlier, and nothing could be recorded of it"))
        }
    }
}

fn not_executed(errno: Errno, command: &[OsString]) -> CliError {
    let name = command.first().map(|word| quote::word(word.as_encoded_bytes())).unwrap_or_default();
    let failure =
        CliError::new(Kind::User, format!("cannot execute {name}: {}", std::io::Error::from(errno)));
    match errno {
        Errno::NOENT if name.contains('/') => failure.with_hint("check the spelling of the path"),
        Errno::NOENT => failure.with_hint("check the spelling, and that its directory is in PATH"),
        Errno::ACCESS => failure.with_hint("make it executable with `chmod +x`"),
        _ => failure,
    }
}

fn problem_of(problem: &RecordError) -> CliError {
    match problem {
        RecordError::Store(error) => {
            let failure = CliError::from(error);
            let hints = failure.hints().to_vec();
            let unrecorded = CliError::new(Kind::Environment, format!("the run is not recorded: {failure}"));
            let causes = failure.causes().to_vec();
            hints.into_iter().fold(unrecorded.with_causes(causes), CliError::with_hint)
        }
        RecordError::Init { .. }
        | RecordError::Report { .. }
        | RecordError::NothingReported(_)
        | RecordError::Log { .. }
        | RecordError::Spool { .. } => CliError::from_error(Kind::Environment, problem),
    }
}

/// Returns the exit status, unless roar ends as the command did.
fn status(outcome: &RunOutcome, requires_complete: bool, voice: Voice) -> u8 {
    if let Some(errno) = outcome.not_executed {
        let is_missing = Errno::from_raw_os_error(errno) == Errno::NOENT;
        return if is_missing { NOT_FOUND_STATUS } else { NOT_EXECUTABLE_STATUS };
    }
    let is_complete = outcome.report.as_ref().is_some_and(|report| report.coverage.complete);
    if requires_complete && !is_complete {
        let failure = CliError::new(Kind::User, "not all was seen, and `--require-complete` asks for that");
        let words = outcome.report.as_ref().zip(outcome.job.as_ref());
        // Whoever is to hear nothing but errors has not heard it.
        let causes = words
            .filter(|_| voice == Voice::Quiet)
            .map(|(report, job)| partial(&report.coverage, &report.backend, job.step));
        ui::print_error(&failure.with_causes(causes.into_iter().collect()));
        return INCOMPLETE_STATUS;
    }
    ended_as(outcome.exit)
}

/// Returns the exit status of a command, unless roar ends as it did.
pub(super) fn ended_as(exit: Exit) -> u8 {
    if let Exit::Signal { signal, .. } = exit
        && SHELL_SIGNALS.contains(&signal)
    {
        tracer_host::die_of(signal);
    }
    u8::try_from(exit.shell_status()).unwrap_or(u8::MAX)
}
