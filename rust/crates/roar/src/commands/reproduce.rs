//! `roar reproduce`: how an artifact can be made anew from its commit, and making it so.

mod checkout;
mod run;
mod text;

use roar_lineage::{Input, Plan, Step, Supply};
use roar_store::{JobKind, Patch, Stream, StreamKind, Target};
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::ReproduceArgs;
use crate::commands::target;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{JobName, Names};
use crate::view::command_line;
use crate::{place, quote, ui};

/// Status where something cannot be had, or came out differently.
const NO_STATUS: u8 = 1;

/// The plan, and what came of it.
#[derive(Serialize)]
struct ReproduceView {
    format: &'static str,
    base: PathBytes,
    remote: Option<String>,
    wanted: Vec<WantedView>,
    /// Those that set things up first.
    steps: Vec<StepView>,
    packages: Vec<PackageView>,
    missing: Vec<MissingView>,
    problems: Vec<ProblemView>,
    result: Option<run::Outcome>,
}

#[derive(Serialize)]
struct WantedView {
    path: PathBytes,
    hash: Option<String>,
}

#[derive(Serialize)]
struct StepView {
    job: JobName,
    kind: &'static str,
    commit: Option<String>,
    /// Length of the uncommitted changes that are applied to it.
    patch_bytes: Option<u64>,
    /// Why changes that were not committed are not kept.
    patch_left_out: Option<String>,
    cwd: PathBytes,
    command: Vec<PathBytes>,
    /// The command as a shell takes it, with its directory and its streams.
    shell: String,
    inputs: Vec<InputView>,
    /// What it needs beside that, or does otherwise than it did, in words.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct InputView {
    path: PathBytes,
    hash: Option<String>,
    /// `commit`, `patch`, `copy`, `in_place` or `none`.
    from: &'static str,
}

#[derive(Serialize)]
struct PackageView {
    kind: &'static str,
    name: String,
    version: String,
}

#[derive(Serialize)]
struct MissingView {
    path: PathBytes,
    job: JobName,
    reason: String,
}

/// What stands in the way of a step, beside inputs that cannot be had.
#[derive(Serialize)]
struct ProblemView {
    job: JobName,
    reason: String,
}

pub(crate) fn reproduce(args: &ReproduceArgs, environment: &Environment) -> Result<u8, CliError> {
    let mut store = place::store(environment)?;
    let target = target::find(&store, &args.target, environment)?;
    let shown = quote::word(args.target.as_encoded_bytes());
    let root = place::repo(environment).map(|repo| repo.root).unwrap_or_else(|| environment.cwd.clone());
    let Some(plan) = Plan::of(&mut store, &target, &PathBytes::from(root.as_path()))? else {
        return Err(CliError::new(Kind::User, format!("no recorded step made {shown}"))
            .with_hint(format!("`roar inputs {shown}` says what accounts for it")));
    };
    if matches!(target, Target::Job(_)) && plan.wanted.is_empty() {
        return Err(CliError::new(
            Kind::User,
            format!("{shown} made no file, so there is nothing to compare"),
        ));
    }
    let names = Names::new(&store)?;
    let mut view = view(&plan, names);
    if !args.run {
        if args.json {
            ui::print_json(&view)?;
        } else {
            ui::page(&text::plan(&view, environment)?, environment)?;
            if view.is_possible() {
                ui::hint(format_args!("`roar reproduce {shown} --run` does this in a clean checkout"));
            }
        }
        return Ok(if view.is_possible() { 0 } else { NO_STATUS });
    }
    refuse(&view, &plan)?;
    let outcome = run::run(&mut store, &plan, names, args, environment)?;
    let status = if outcome.is_reproduced { 0 } else { NO_STATUS };
    if args.json {
        view.result = Some(outcome);
        ui::print_json(&view)?;
    } else {
        ui::print(&text::outcome(&outcome, environment)?)?;
    }
    Ok(status)
}

impl ReproduceView {
    /// Returns whether nothing is known to stand in its way.
    fn is_possible(&self) -> bool {
        self.missing.is_empty() && self.problems.is_empty()
    }
}

/// Refuses what cannot come to a good end, before anything is run.
fn refuse(view: &ReproduceView, plan: &Plan) -> Result<(), CliError> {
    if let Some(first) = view.missing.first() {
        let path = quote::word(first.path.as_bytes());
        let failure = CliError::new(
            Kind::User,
            format!("{path}, which {} needs, cannot be had: {}", first.job, first.reason),
        );
        return Err(match view.missing.len() - 1 {
            0 => failure,
            more => {
                failure.with_hint(format!("so it is with {more} more; the plan without `--run` lists them"))
            }
        });
    }
    if let Some(ProblemView { job, reason }) = view.problems.first() {
        return Err(CliError::new(
            Kind::User,
            format!("{job} cannot be run again: {}", quote::sentence(reason)),
        )
        .with_hint("the plan without `--run` says all that stands in the way"));
    }
    for step in &plan.steps {
        if let Some(path) = step.outputs_outside(&plan.base).next() {
            let path = quote::word(path.as_bytes());
            return Err(CliError::new(Kind::User, format!("the plan would overwrite {path}")).with_hint(
                "it is outside of the project, and hence of a clean checkout: run its step by hand",
            ));
        }
        if let Some(path) = input_that_names(step, &plan.base) {
            let (path, base) = (quote::word(path.as_bytes()), quote::word(plan.base.as_bytes()));
            let name = view.steps.iter().find(|view| view.job.id == step.job.id).map(|view| &view.job);
            let step = name.map_or("a step".to_owned(), ToString::to_string);
            return Err(CliError::new(Kind::User, format!("{path}, which {step} uses, names {base} itself"))
                .with_hint("from a clean checkout, too, it would work there: let it name what it uses from where it is run"));
        }
    }
    Ok(())
}

/// Returns a file that a step uses, no earlier step makes, and in which the project's directory is written out: that is not turned to the
/// checkout. Large files are data, and data say seldom where to write.
fn input_that_names<'s>(step: &'s Step, base: &PathBytes) -> Option<&'s PathBytes> {
    const BYTES_MAX: u64 = 1 << 20;
    let needle = [base.as_bytes(), b"/"].concat();
    let mut inputs = step.inputs.iter().map(|input| &input.path);
    inputs.find(|path| {
        let place = path.as_path();
        let is_small =
            std::fs::metadata(place).is_ok_and(|found| found.is_file() && found.len() <= BYTES_MAX);
        is_small
            && std::fs::read(place).is_ok_and(|text| text.windows(needle.len()).any(|part| part == needle))
    })
}

fn view(plan: &Plan, names: Names) -> ReproduceView {
    let hash = |content: &Option<roar_dag::Content>| Some(content.as_ref()?.view().as_hash()?.to_owned());
    let missing = plan.missing().map(|(step, input)| MissingView {
        path: input.path.clone(),
        job: names.of(&step.job),
        reason: match &input.supply {
            Supply::None(reason) => reason.clone(),
            Supply::Commit | Supply::Patch | Supply::Copy | Supply::InPlace => String::new(),
        },
    });
    ReproduceView {
        format: "roar.reproduce/1",
        base: plan.base.clone(),
        remote: plan.git().and_then(|git| git.remote.clone()),
        wanted: plan
            .wanted
            .iter()
            .map(|(path, content)| WantedView { path: path.clone(), hash: hash(content) })
            .collect(),
        steps: plan.steps.iter().map(|step| step_view(step, &plan.base, names)).collect(),
        packages: plan
            .packages
            .iter()
            .map(|package| PackageView {
                kind: package.kind.name(),
                name: package.name.clone(),
                version: package.version.clone(),
            })
            .collect(),
        missing: missing.collect(),
        problems: plan
            .steps
            .iter()
            .flat_map(|step| step.problems.iter().map(move |reason| (step, reason)))
            .map(|(step, reason)| ProblemView { job: names.of(&step.job), reason: reason.clone() })
            .collect(),
        result: None,
    }
}

fn step_view(step: &Step, base: &PathBytes, names: Names) -> StepView {
    let input = |input: &Input| InputView {
        path: input.path.clone(),
        hash: input.content.as_ref().and_then(|content| content.view().as_hash().map(str::to_owned)),
        from: match input.supply {
            Supply::Commit => "commit",
            Supply::Patch => "patch",
            Supply::Copy => "copy",
            Supply::InPlace => "in_place",
            Supply::None(_) => "none",
        },
    };
    let (patch_bytes, patch_left_out) = match &step.context.patch {
        Some(Patch::Kept(text)) => (Some(text.len() as u64), None),
        Some(Patch::Left(reason)) => (None, Some(reason.clone())),
        None => (None, None),
    };
    StepView {
        job: names.of(&step.job),
        kind: match step.job.kind {
            JobKind::Build => "build",
            JobKind::Run => "run",
        },
        commit: step.context.git.as_ref().and_then(|git| git.commit.clone()),
        patch_bytes,
        patch_left_out,
        cwd: step.job.cwd.clone(),
        command: step.job.command.clone(),
        shell: shell(step, base),
        inputs: step.inputs.iter().map(input).collect(),
        notes: notes(step),
    }
}

fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(program) = &step.program_in_place {
        notes.push(format!(
            "runs {}, which is not in the commit, where it is",
            quote::word(program.as_bytes())
        ));
    }
    if step.context.streams.iter().any(|stream| (stream.fd, stream.kind) == (0, StreamKind::Pipe)) {
        notes.push("its standard input was a pipe, whose content is not recorded".to_owned());
    }
    notes
}

/// Returns the variables whose values were recorded with a step, which it is given again.
fn recorded_variables(step: &Step) -> impl Iterator<Item = (&PathBytes, &PathBytes)> {
    step.context.env.iter().filter_map(|variable| Some((&variable.name, variable.value.as_ref()?)))
}

/// Returns a step as a line that a shell in any directory reads as the same.
fn shell(step: &Step, base: &PathBytes) -> String {
    let variables = recorded_variables(step)
        .map(|(name, value)| format!("{}={} ", quote::word(name.as_bytes()), quote::word(value.as_bytes())));
    let variables: String = variables.collect();
    let directory = quote::word(step.job.cwd.as_bytes());
    let mut line = format!("cd {directory} && {variables}{}", command_line(&step.job.command));
    for Stream { fd, kind, path, is_append } in &step.context.streams {
        let Some(path) = path.as_ref().filter(|_| *kind == StreamKind::File) else { continue };
        if *fd > 0 && !path.as_path().starts_with(base.as_path()) {
            // What went elsewhere is not written again.
            continue;
        }
        let sign = match (fd, is_append) {
            (0, _) => "<",
            (1, false) => ">",
            (1, true) => ">>",
            (_, false) => "2>",
            (_, true) => "2>>",
        };
        line = format!("{line} {sign}{}", quote::word(path.as_bytes()));
    }
    line
}
