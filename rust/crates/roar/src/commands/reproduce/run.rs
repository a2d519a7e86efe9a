//! Carrying out a plan: the steps in a clean checkout, with an environment of their own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use roar_dag::Content;
use roar_lineage::{Disk, OnDisk, Plan, Step};
use roar_store::Store;
use serde::Serialize;
use tracer_schema::PathBytes;

use super::checkout::Checkout;
use crate::cli::ReproduceArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{JobName, Names};
use crate::replay::Replay;
use crate::ui::{self, Role};
use crate::view::command_line;

/// What came of it.
#[derive(Serialize)]
pub(super) struct Outcome {
    pub(super) checkout: PathBytes,
    /// Whether what was asked for is the same.
    pub(super) is_reproduced: bool,
    /// The first step of which a file is not the same.
    pub(super) first_different: Option<JobName>,
    /// The step that failed, after which none was run.
    pub(super) failed: Option<JobName>,
    /// Every file that a step made, as recorded and as it is now.
    pub(super) files: Vec<FileOutcome>,
}

#[derive(Serialize)]
pub(super) struct FileOutcome {
    /// Where it is in the project.
    pub(super) path: PathBytes,
    pub(super) job: JobName,
    /// `same`, `different`, `missing` or `unhashed`.
    pub(super) verdict: &'static str,
    pub(super) recorded: Option<String>,
    pub(super) now: Option<String>,
}

pub(super) fn run(
    store: &mut Store,
    plan: &Plan,
    names: Names,
    args: &ReproduceArgs,
    environment: &Environment,
) -> Result<Outcome, CliError> {
    let mut checkout = Checkout::make(plan, args.dir.as_deref(), environment)?;
    let venv = checkout.root().as_path().join(".roar/venv");
    let own = own_environment(plan, &venv, args, environment)?;
    let is_own = own.is_some();
    let variables = own.unwrap_or_default();
    let mut outcome = Outcome {
        checkout: checkout.root().clone(),
        is_reproduced: false,
        first_different: None,
        failed: None,
        files: Vec::new(),
    };
    for step in &plan.steps {
        let name = names.of(&step.job);
        ui::say(format_args!("roar: {} {}", Role::Step.paint(&name), command_line(&step.job.command)));
        checkout.prepare(step)?;
        let recorded = super::recorded_variables(step)
            .map(|(name, value)| (name.as_path().into(), checkout.word(value).as_path().into()));
        let variables: Vec<(OsString, OsString)> = recorded.chain(variables.iter().cloned()).collect();
        let status =
            replay(step, &checkout, is_own.then_some(venv.as_path())).run(environment, &variables)?;
        let was_successful = step.job.exit.is_none_or(|exit| exit.shell_status() == 0);
        if !status.success() && was_successful {
            outcome.failed = Some(name);
            break;
        }
        compare(store, step, &name, &checkout, &mut outcome)?;
    }
    let is_same = |(path, content): &(PathBytes, Option<Content>)| {
        let of_path = outcome.files.iter().rev().find(|file| file.path == *path);
        of_path.is_some_and(|file| {
            file.verdict == "same" && file.recorded.as_ref() == content.as_ref().map(|content| &content.hash)
        })
    };
    outcome.is_reproduced = outcome.failed.is_none() && plan.wanted.iter().all(is_same);
    Ok(outcome)
}

/// `venv` is the environment that was made, if one was.
fn replay(step: &Step, checkout: &Checkout<'_>, venv: Option<&Path>) -> Replay {
    let recorded = Replay::of(&step.job, &step.context);
    let mut command: Vec<PathBytes> = recorded.command.iter().map(|word| checkout.word(word)).collect();
    if let (Some(first), Some(program)) = (command.first_mut(), &step.program_in_place) {
        *first = of_environment(program, venv).unwrap_or_else(|| program.clone());
    }
    Replay {
        command,
        cwd: checkout.place(&recorded.cwd),
        streams: checkout.streams(&recorded.streams),
        // Its steps have other numbers.
        is_quiet: true,
        rerun_of: None,
        ..recorded
    }
}

/// Returns the program of that name of the environment that was made, if the program is of a Python environment.
fn of_environment(program: &PathBytes, venv: Option<&Path>) -> Option<PathBytes> {
    let program = program.as_path();
    let environment = program.parent()?.parent()?;
    let own = venv?.join("bin").join(program.file_name()?);
    (environment.join("pyvenv.cfg").is_file() && own.is_file()).then(|| PathBytes::from(own.as_path()))
}

fn compare(
    store: &mut Store,
    step: &Step,
    name: &JobName,
    checkout: &Checkout<'_>,
    outcome: &mut Outcome,
) -> Result<(), CliError> {
    let is_link = |content: &Option<Content>| content.as_ref().is_some_and(|content| content.is_link);
    let places: Vec<(PathBytes, bool)> =
        step.outputs.iter().map(|output| (checkout.place(&output.path), is_link(&output.content))).collect();
    let mut disk = Disk::default();
    disk.look(store, &places)?;
    for (output, (place, is_link)) in step.outputs.iter().zip(&places) {
        let found = disk.at(place.as_bytes(), *is_link);
        let verdict = match (&output.content, found) {
            (Some(content), found) if found.is(content.view()) => "same",
            (_, OnDisk::Missing) => "missing",
            (Some(_), _) => "different",
            (None, _) => "unhashed",
        };
        if matches!(verdict, "missing" | "different") {
            outcome.first_different.get_or_insert_with(|| name.clone());
        }
        outcome.files.push(FileOutcome {
            path: output.path.clone(),
            job: name.clone(),
            verdict,
            recorded: output.content.as_ref().map(|content| content.hash.clone()),
            now: match found {
                OnDisk::There(content) => Some(content.hash.clone()),
                OnDisk::Missing | OnDisk::Unknown(_) => None,
            },
        });
    }
    Ok(())
}

/// Makes an environment there with the Python packages that were recorded, if there are some and the user wants it. Returns its variables.
fn own_environment(
    plan: &Plan,
    place: &Path,
    args: &ReproduceArgs,
    environment: &Environment,
) -> Result<Option<Vec<(OsString, OsString)>>, CliError> {
    let requirements = plan.requirements();
    if requirements.is_empty() {
        return Ok(None);
    }
    let question = format!("Install {} with pip into a new environment?", requirements.join(" "));
    let is_wanted = args.yes || ui::ask(&question).unwrap_or(false);
    if !is_wanted {
        ui::warn("the Python packages are those of this environment; `-y` installs the recorded versions");
        return Ok(None);
    }
    program(Path::new("python3"), &["-m".into(), "venv".into(), place.into()], "make a Python environment")?;
    let python = place.join("bin/python");
    let mut pip: Vec<OsString> =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--"].map(OsString::from).into();
    pip.extend(requirements.iter().map(OsString::from));
    program(&python, &pip, "install the recorded Python packages")?;
    Ok(Some(environment.with_python(place)))
}

fn program(program: &Path, arguments: &[OsString], what: &str) -> Result<(), CliError> {
    ui::say(format_args!("roar: {what}"));
    let ended = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CliError::new(
            Kind::Environment,
            format!("cannot {what}: {} ended with {status}", program.display()),
        )),
        Err(source) => Err(CliError::new(Kind::Environment, format!("cannot {what}")).with_source(&source)),
    }
}
