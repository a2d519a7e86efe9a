//! The plan, and what came of it, as text.

use std::fmt::{Error, Write};

use super::{ReproduceView, StepView};
use crate::commands::reproduce::run::Outcome;
use crate::env::Environment;
use crate::place::shown_path;
use crate::ui::{Role, Table};
use crate::view::short_hash;
use crate::{phrase, quote};

/// Inputs of a step, or packages, that are listed; the others are counted.
const LISTED_MAX: usize = 20;

pub(super) fn plan(view: &ReproduceView, environment: &Environment) -> Result<String, Error> {
    let mut page = String::new();
    for wanted in view.wanted.iter().take(LISTED_MAX) {
        let hash = wanted.hash.as_deref().map_or("not hashed", short_hash);
        let path = Role::Heading.paint(shown_path(environment, &wanted.path));
        writeln!(page, "{path}  {}", Role::Faint.paint(hash))?;
    }
    rest(&mut page, view.wanted.len())?;
    heading(&mut page, "from")?;
    let remote = view.remote.as_ref().map(|remote| format!("  ({remote})")).unwrap_or_default();
    writeln!(page, "  {}{remote}", shown_path(environment, &view.base))?;
    if !view.packages.is_empty() {
        heading(&mut page, "packages")?;
        for package in view.packages.iter().take(LISTED_MAX) {
            writeln!(page, "  {}  {} {}", package.kind, package.name, package.version)?;
        }
        rest(&mut page, view.packages.len())?;
    }
    for (kind, name) in [("build", "set-up"), ("run", "steps")] {
        let steps: Vec<&StepView> = view.steps.iter().filter(|step| step.kind == kind).collect();
        if steps.is_empty() {
            continue;
        }
        heading(&mut page, name)?;
        let mut state = None;
        for step in steps {
            let of_step = (&step.commit, step.patch_bytes, &step.patch_left_out);
            if state.replace(of_step) != Some(of_step) {
                writeln!(page, "  {}", Role::Faint.paint(format_args!("at {}", code(step))))?;
            }
            writeln!(page, "  {}  {}", Role::Step.paint(&step.job), step.shell)?;
            for input in step.inputs.iter().take(LISTED_MAX) {
                let from = match input.from {
                    "commit" => "from the commit",
                    "patch" => "from the commit and the changes",
                    "copy" => "copied from disk",
                    "in_place" => "used where it is",
                    _ => "cannot be had",
                };
                let path = shown_path(environment, &input.path);
                writeln!(page, "      {}  {path}  {}", Role::Faint.paint("in"), Role::Faint.paint(from))?;
            }
            rest(&mut page, step.inputs.len())?;
            for note in &step.notes {
                writeln!(page, "      {}", Role::Faint.paint(note))?;
            }
        }
    }
    if !view.problems.is_empty() {
        writeln!(page, "{}", Role::Warning.paint("cannot be done"))?;
        for problem in &view.problems {
            writeln!(page, "  {}  {}", Role::Step.paint(&problem.job), quote::sentence(&problem.reason))?;
        }
    }
    if !view.missing.is_empty() {
        writeln!(page, "{}", Role::Warning.paint("cannot be had"))?;
        for missing in &view.missing {
            let path = shown_path(environment, &missing.path);
            writeln!(page, "  {path}  for {}: {}", Role::Step.paint(&missing.job), missing.reason)?;
        }
    }
    Ok(page)
}

fn heading(page: &mut String, text: &str) -> Result<(), Error> {
    writeln!(page, "{}", Role::Heading.paint(text))
}

fn rest(page: &mut String, count: usize) -> Result<(), Error> {
    match count.saturating_sub(LISTED_MAX) {
        0 => Ok(()),
        more => writeln!(page, "      … {} more (`--json` lists all)", phrase::number(more as u64)),
    }
}

fn code(step: &StepView) -> String {
    let commit = match &step.commit {
        Some(commit) => format!("commit {}", short_hash(commit)),
        None => "no commit".to_owned(),
    };
    match (step.patch_bytes, &step.patch_left_out) {
        (Some(bytes), _) => {
            format!("{commit} with {} of changes that were not committed", phrase::size(bytes))
        }
        (None, Some(reason)) => format!("{commit}, without changes that were not committed ({reason})"),
        (None, None) => commit,
    }
}

pub(super) fn outcome(outcome: &Outcome, environment: &Environment) -> Result<String, Error> {
    let mut page = String::new();
    let mut table = Table::default();
    for file in &outcome.files {
        let role = if file.verdict == "same" { Role::Faint } else { Role::Warning };
        table.row().role_cell(role, file.verdict).role_cell(Role::Step, file.job.to_string());
        table.role_cell(Role::Faint, file.recorded.as_deref().map_or("", short_hash));
        table.role_cell(Role::Faint, file.now.as_deref().map_or("", short_hash));
        table.cell(shown_path(environment, &file.path));
    }
    table.write(&mut page, "", None);
    match (&outcome.failed, &outcome.first_different) {
        (Some(job), _) => writeln!(page, "{} failed; no step was run after it", Role::Step.paint(job))?,
        (None, Some(job)) => writeln!(page, "different since {}", Role::Step.paint(job))?,
        (None, None) => writeln!(page, "reproduced: every file is the same")?,
    }
    if outcome.is_reproduced && outcome.first_different.is_some() {
        writeln!(page, "what was asked for is the same")?;
    }
    writeln!(page, "checkout  {}", shown_path(environment, &outcome.checkout))?;
    Ok(page)
}
