//! `roar rerun`: runs again the steps that are stale, and no others.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use roar_dag::{JobIndex, PathIndex};
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
    let is_wanted = |step: &StaleStep| wanted.as_ref().is_none_or(|wanted| wanted.contains(&step.job));
    let steps: Vec<JobIndex> =
        staleness.steps.iter().filter(|step| is_wanted(step)).map(|step| step.job).collect();
    if steps.is_empty() {
        ui::say("nothing is stale");
        return Ok(0);
    }
    if args.dry_run {
        for step in steps {
            let job = &staleness.jobs[step.index()];
            refuse_foreign(job, &names.of(job), environment)?;
            ui::print(&format!("{}\n", line(&staleness, step, names)))?;
        }
        return Ok(0);
    }
    let mut ran = BTreeSet::new();
    let run = Rerun::new(&staleness, names, environment);
    if let Some(status) = run.steps(&mut store, steps, &mut ran)? {
        return Ok(status);
    }
    if wanted.is_some() {
        return Ok(0);
    }
    // What was made by a step that was left out may be wrong by now, if another was run for the sake of one after it.
    loop {
        let Some(staleness) = stale::of_session(&mut store)? else { return Ok(0) };
        let is_new = |job: &Job| {
            !ran.contains(&job.id) && job.rerun_of.as_ref().is_none_or(|earlier| !ran.contains(earlier))
        };
        let left = staleness.steps.iter().map(|step| step.job);
        let left: Vec<JobIndex> = left.filter(|job| is_new(&staleness.jobs[job.index()])).collect();
        let before = ran.len();
        let run = Rerun::new(&staleness, names, environment);
        if let Some(status) = run.steps(&mut store, left, &mut ran)? {
            return Ok(status);
        }
        if ran.len() == before {
            return Ok(0);
        }
    }
}

fn line(staleness: &Staleness, job: JobIndex, names: Names) -> String {
    let job = &staleness.jobs[job.index()];
    format!("{} {}", Role::Step.paint(names.of(job)), command_line(&job.command))
}

/// Steps that are run again, one after the other.
struct Rerun<'a> {
    staleness: &'a Staleness,
    names: Names,
    environment: &'a Environment,
    /// Those that were run.
    done: BTreeSet<JobIndex>,
    /// Where those have written.
    written: BTreeSet<PathIndex>,
}

impl<'a> Rerun<'a> {
    fn new(staleness: &'a Staleness, names: Names, environment: &'a Environment) -> Self {
        Self { staleness, names, environment, done: BTreeSet::new(), written: BTreeSet::new() }
    }

    /// Runs steps in that order, and adds the jobs that were run again. Returns the status to end with if one fails.
    fn steps(
        mut self,
        store: &mut Store,
        steps: Vec<JobIndex>,
        ran: &mut BTreeSet<String>,
    ) -> Result<Option<u8>, CliError> {
        for step in steps {
            if let Some(status) = self.step(store, step)? {
                return Ok(Some(status));
            }
        }
        ran.extend(self.done.iter().map(|job| self.staleness.jobs[job.index()].id.clone()));
        Ok(None)
    }

    /// Runs a step that is stale, unless it need not run.
    fn step(&mut self, store: &mut Store, job: JobIndex) -> Result<Option<u8>, CliError> {
        if self.done.contains(&job) {
            return Ok(None);
        }
        let staleness = self.staleness;
        let line = line(staleness, job, self.names);
        let mut reasons = self.of_stale(job).into_iter().flat_map(|step| &step.reasons);
        if reasons.all(|reason| self.is_settled(reason))
            && !staleness.has_changed(store, job, &self.written)?
        {
            ui::say(format_args!("roar: {line}: its inputs came out the same, it need not run"));
            return Ok(None);
        }
        if is_done_again(staleness, job, &self.done) {
            ui::say(format_args!("roar: {line}: the same was just run"));
            return Ok(None);
        }
        self.run(store, job)
    }

    fn of_stale(&self, job: JobIndex) -> Option<&'a StaleStep> {
        self.staleness.steps.iter().find(|step| step.job == job)
    }

    /// Runs a step, after those that were left out and make what it takes, where that is not there.
    fn run(&mut self, store: &mut Store, job: JobIndex) -> Result<Option<u8>, CliError> {
        let staleness = self.staleness;
        // Where steps take from each other in a circle, each runs once.
        self.done.insert(job);
        for take in staleness.takes(job) {
            let Some(maker) = take.maker.filter(|maker| !self.done.contains(maker)) else { continue };
            if self.of_stale(maker).is_some()
                && !staleness.is_there(store, take.path, take.expected)?
                && let Some(status) = self.run(store, maker)?
            {
                return Ok(Some(status));
            }
        }
        let record = &staleness.jobs[job.index()];
        let name = self.names.of(record);
        refuse_foreign(record, &name, self.environment)?;
        ui::say(format_args!("roar: {}", line(staleness, job, self.names)));
        if let Some(step) = self.of_stale(job) {
            warn_of_updates(staleness, step, self.environment);
        }
        let replay = Replay::of(record, &store.context(record.key)?);
        let status = replay.run(self.environment, &[])?;
        self.written.extend(staleness.graph.job(job).writes());
        if !status.success() {
            let exit = Exit::from_wait_status(status.into_raw());
            let how = phrase::exit(Some(exit));
            ui::say(format_args!("roar: {name} failed, exit {how}; no step was run after it"));
            return Ok(Some(if status.signal().is_some() { exit_of_signal(exit) } else { FAILED_STATUS }));
        }
        warn_of_own_results(store, record, self.environment)?;
        Ok(None)
    }

    /// Returns whether a reason is none any more if what the step takes has come out the same.
    fn is_settled(&self, reason: &Reason) -> bool {
        match reason {
            Reason::Upstream(_) | Reason::Base { .. } | Reason::Overwritten { .. } => true,
            // Whoever made it anew has just made it once more.
            Reason::Changed { remade_by: Some(job), .. } => self.done.contains(job),
            Reason::Missing(path) => self.written.contains(path),
            Reason::Changed { remade_by: None, .. }
            | Reason::Unreadable(_)
            | Reason::OutputMissing(_)
            | Reason::OutputChanged(_)
            | Reason::Appeared(_)
            | Reason::NewFile { .. }
            | Reason::GoneFile { .. }
            | Reason::OtherNames(_)
            | Reason::Unlisted(_)
            | Reason::Relinked(_)
            | Reason::Failed
            | Reason::Interrupted => false,
        }
    }
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
        // So does who makes anew what it takes and is not there any more.
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
