//! `roar rerun`: runs again the steps that are stale, and no others.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use roar_dag::JobIndex;
use roar_lineage::{Reason, StaleStep, Staleness};
use roar_run::{Found, Repo, find_repo};
use roar_store::{Job, Store};
use tracer_schema::{Exit, FileRecord, PathBytes, Prior, Role as FileRole};

use crate::cli::{RerunArgs, StepWord};
use crate::commands::stale;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{JobName, Names};
use crate::replay::Replay;
use crate::ui::{self, Role};
use crate::view::command_line;
use crate::{phrase, place, quote};

/// Status where a step failed.
const FAILED_STATUS: u8 = 1;

pub(crate) fn rerun(args: &RerunArgs, environment: &Environment) -> Result<u8, CliError> {
    let mut store = place::store(environment)?;
    let Some(staleness) = stale::of_session(&mut store)? else {
        return Err(CliError::new(Kind::User, "nothing is recorded yet")
            .with_hint("record something with `roar run CMD`"));
    };
    let names = Names::new(&store)?;
    let wanted = wanted(&staleness, &args.steps)?;
    let steps: Vec<&StaleStep> = staleness
        .steps
        .iter()
        .filter(|step| wanted.as_ref().is_none_or(|wanted| wanted.contains(&step.job)))
        .collect();
    if steps.is_empty() {
        ui::say("nothing is stale");
        return Ok(0);
    }
    let mut done: BTreeSet<JobIndex> = BTreeSet::new();
    for step in steps {
        let job = &staleness.jobs[step.job.index()];
        let name = names.of(job);
        refuse_foreign(job, &name, environment)?;
        let line = format!("{} {}", Role::Step.paint(&name), command_line(&job.command));
        if args.dry_run {
            ui::print(&format!("{line}\n"))?;
            continue;
        }
        if is_spared(&mut store, &staleness, step, &done)? {
            ui::say(format_args!("roar: {line}: its inputs came out the same, it need not run"));
            continue;
        }
        if is_done_again(&staleness, step.job, &done) {
            ui::say(format_args!("roar: {line}: the same was just run"));
            continue;
        }
        ui::say(format_args!("roar: {line}"));
        warn_of_updates(&staleness, step, environment);
        let replay = Replay::of(job, &store.context(job.key)?);
        let status = replay.run(environment, &[])?;
        if !status.success() {
            let exit = Exit::from_wait_status(status.into_raw());
            ui::say(format_args!(
                "roar: {name} failed, exit {}; no step was run after it",
                phrase::exit(Some(exit))
            ));
            return Ok(if status.signal().is_some() { exit_of_signal(exit) } else { FAILED_STATUS });
        }
        warn_of_own_results(&store, job, environment)?;
        done.insert(step.job);
    }
    Ok(0)
}

/// Says where a step that was run again has taken what it had made itself, and had not found when it first ran.
fn warn_of_own_results(store: &Store, job: &Job, environment: &Environment) -> Result<(), CliError> {
    let Some(again) = store.last_job()?.filter(|last| last.rerun_of.as_ref() == Some(&job.id)) else {
        return Ok(());
    };
    let before = store.files(job.key)?;
    let first_made: BTreeSet<&PathBytes> =
        before.iter().filter(|file| file.created && !file.filtered).map(|file| &file.path).collect();
    let takes = |file: &FileRecord| file.role == FileRole::Input || file.prior == Some(Prior::Kept);
    let now = store.files(again.key)?;
    let taken: BTreeSet<&PathBytes> = now.iter().filter(|file| takes(file)).map(|file| &file.path).collect();
    for path in taken.intersection(&first_made) {
        let path = place::shown_path(environment, path);
        ui::warn(format_args!(
            "it went on from {path}, its own result, which was not there before: to begin anew remove that, and `roar rerun`"
        ));
    }
    Ok(())
}

fn exit_of_signal(exit: Exit) -> u8 {
    u8::try_from(exit.shell_status()).unwrap_or(u8::MAX)
}

/// Returns whether a step that was stale for nothing but those before it has the same inputs as ever.
fn is_spared(
    store: &mut Store,
    staleness: &Staleness,
    step: &StaleStep,
    done: &BTreeSet<JobIndex>,
) -> Result<bool, CliError> {
    let is_settled = |reason: &Reason| match reason {
        Reason::Upstream(_) => true,
        // Whoever made it anew has just made it once more.
        Reason::Changed { remade_by: Some(job), .. } => done.contains(job),
        Reason::Changed { remade_by: None, .. }
        | Reason::Missing(_)
        | Reason::Unreadable(_)
        | Reason::OutputMissing(_)
        | Reason::OutputChanged(_)
        | Reason::Appeared(_)
        | Reason::NewFile { .. }
        | Reason::GoneFile { .. }
        | Reason::OtherNames(_)
        | Reason::Unlisted(_)
        | Reason::Relinked(_)
        | Reason::Base { .. }
        | Reason::Failed
        | Reason::Interrupted => false,
    };
    if !step.reasons.iter().all(is_settled) {
        return Ok(false);
    }
    Ok(!staleness.has_changed(store, step.job, done)?)
}

/// Refuses a step of another project than the one around the working directory: a project that was copied has the records of the first, and
/// what they name is there.
fn refuse_foreign(job: &Job, name: &JobName, environment: &Environment) -> Result<(), CliError> {
    let there = match find_repo(job.cwd.as_path(), environment.home.as_deref()) {
        Found::Existing(repo) | Found::Missing(repo) => repo,
    };
    let directory = |repo: &Repo| repo.dir().canonicalize().ok();
    if place::repo(environment).is_some_and(|here| directory(&here) == directory(&there)) {
        return Ok(());
    }
    let shown = quote::word(job.cwd.as_bytes());
    Err(CliError::new(Kind::User, format!("{name} was run in {shown}, which is not of this project"))
        .with_hint("the project was copied or moved: run the steps once more with `roar run`, or `roar rerun` where they were run"))
}

/// Says that a step goes on from its own results.
fn warn_of_updates(staleness: &Staleness, step: &StaleStep, environment: &Environment) {
    for path in &step.goes_on_from {
        let path = place::shown_path(environment, &staleness.graph.path(*path).into());
        ui::warn(format_args!("it updates {path} in place, which is no longer what it first began from"));
    }
}

/// Returns whether the same command has just been run again, and nothing of that is what the step goes on from.
fn is_done_again(staleness: &Staleness, step: JobIndex, done: &BTreeSet<JobIndex>) -> bool {
    let graph = &staleness.graph;
    let job = graph.job(step);
    let same =
        |other: &JobIndex| (&graph.job(*other).command, &graph.job(*other).cwd) == (&job.command, &job.cwd);
    done.iter().any(|other| same(other) && !graph.ancestry_of_job(step).jobs.contains(other))
}

/// Returns the steps that were named and those that they take from; `None`: all.
fn wanted(staleness: &Staleness, named: &[StepWord]) -> Result<Option<BTreeSet<JobIndex>>, CliError> {
    if named.is_empty() {
        return Ok(None);
    }
    let last = staleness.graph.jobs.iter().map(|job| job.step).max().unwrap_or(0);
    let mut open = Vec::new();
    for step in named {
        let step = match step {
            StepWord::Numbered(step) => step,
            StepWord::Last => &last,
        };
        let stands = staleness
            .graph
            .indexed_jobs()
            .find(|(_, job)| job.step == *step || job.supersedes.contains(step));
        let Some((index, _)) = stands else {
            return Err(CliError::new(Kind::User, format!("there is no step @{step} in this session"))
                .with_hint("`roar dag` lists the steps"));
        };
        open.push(index);
    }
    // What they take from comes first, as far as it is stale itself.
    let mut wanted: BTreeSet<JobIndex> = open.iter().copied().collect();
    while let Some(job) = open.pop() {
        let step = staleness.steps.iter().find(|step| step.job == job);
        for reason in step.into_iter().flat_map(|step| &step.reasons) {
            if let Reason::Upstream(parent) = reason
                && wanted.insert(*parent)
            {
                open.push(*parent);
            }
        }
        // So does what makes a file anew that it updates in place.
        for step in &staleness.steps {
            let is_base =
                |reason: &Reason| matches!(reason, Reason::Base { taken_by, .. } if *taken_by == job);
            if step.reasons.iter().any(is_base) && wanted.insert(step.job) {
                open.push(step.job);
            }
        }
    }
    Ok(Some(wanted))
}
