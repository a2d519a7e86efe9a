//! `roar rerun`: runs again the steps that are stale, and no others.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use roar_dag::JobIndex;
use roar_lineage::{Reason, StaleStep, Staleness};
use roar_store::Store;
use tracer_schema::Exit;

use crate::cli::RerunArgs;
use crate::commands::stale;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::Names;
use crate::replay::Replay;
use crate::ui::{self, Role};
use crate::view::command_line;
use crate::{phrase, place};

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
        let line = format!("{} {}", Role::Step.paint(&name), command_line(&job.command));
        if args.dry_run {
            ui::print(&format!("{line}\n"))?;
            continue;
        }
        if is_spared(&mut store, &staleness, step, &done)? {
            ui::say(format_args!("roar: {line}: its inputs came out the same, it need not run"));
            continue;
        }
        ui::say(format_args!("roar: {line}"));
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
        done.insert(step.job);
    }
    Ok(0)
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
        | Reason::Failed
        | Reason::Interrupted => false,
    };
    if !step.reasons.iter().all(is_settled) {
        return Ok(false);
    }
    Ok(!staleness.has_changed_input(store, step.job)?)
}

/// Returns the steps that were named and those that they take from; `None`: all.
fn wanted(staleness: &Staleness, named: &[u64]) -> Result<Option<BTreeSet<JobIndex>>, CliError> {
    if named.is_empty() {
        return Ok(None);
    }
    let mut open = Vec::new();
    for step in named {
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
    }
    Ok(Some(wanted))
}
