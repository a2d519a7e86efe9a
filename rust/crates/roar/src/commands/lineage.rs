//! `roar lineage`: everything that an artifact or a job comes from.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::{Result as Written, Write};

use roar_dag::{JobIndex, VersionIndex};
use roar_lineage::{Lineage, Start};
use roar_store::Store;
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::LineageArgs;
use crate::commands::target;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::{FileView, JobName, Names, Views};
use crate::place::shown_path;
use crate::ui::{self, Role};
use crate::view::command_line;
use crate::{phrase, place, quote};

/// Files of one kind that a step lists unless all are asked for: what a person takes in at a glance.
const LISTED_MAX: usize = 8;

/// What something comes from, step by step.
#[derive(Serialize)]
struct LineageView {
    format: &'static str,
    /// The artifact; absent where a job was asked about.
    artifact: Option<FileView>,
    /// The job that was asked about.
    job: Option<JobName>,
    steps: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    job: JobName,
    kind: &'static str,
    state: &'static str,
    complete: bool,
    command: Vec<PathBytes>,
    cwd: PathBytes,
    started_at: String,
    inputs: Vec<FileView>,
    /// Those alone that what was asked about comes from.
    outputs: Vec<FileView>,
}

pub(crate) fn lineage(args: &LineageArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let lineage = find(&store, &args.target, false, environment)?;
    let view = view(&lineage, Names::new(&store)?);
    if args.json {
        return ui::print_json(&view);
    }
    let mut page = Page { lists_all: args.all, environment, text: String::new() };
    page.write(&view)?;
    ui::page(&page.text, environment)
}

/// Returns what a word on the command line comes from; with what set things up for that, where this is wanted.
pub(super) fn find(
    store: &Store,
    word: &OsStr,
    wants_set_up: bool,
    environment: &Environment,
) -> Result<Lineage, CliError> {
    let target = target::find(store, word, environment)?;
    let found = match wants_set_up {
        true => Lineage::with_builds(store, &target)?,
        false => Lineage::of(store, &target)?,
    };
    found.ok_or_else(|| {
        let shown = quote::word(word.as_encoded_bytes());
        CliError::new(Kind::User, format!("no job is known to have read or written {shown}")).with_hint(
            "it was temporary, or a filter leaves it out: `roar show --all` of a job lists such files",
        )
    })
}

fn view(lineage: &Lineage, names: Names) -> LineageView {
    let graph = &lineage.graph;
    let views = Views { graph, jobs: &lineage.jobs, names };
    let mut wanted: BTreeSet<VersionIndex> = lineage.ancestry.versions.clone();
    wanted.extend(lineage.version());
    let step = |index: JobIndex| {
        let (job, record) = (graph.job(index), &lineage.jobs[index.index()]);
        let made = job.produces.iter().filter(|edge| wanted.contains(&edge.version));
        StepView {
            job: names.of(record),
            kind: record.kind.name(),
            state: record.state.name(),
            complete: record.is_complete,
            command: record.command.clone(),
            cwd: record.cwd.clone(),
            started_at: roar_store::rfc3339(record.started_unix_ns),
            inputs: job.consumes.iter().map(|edge| views.file(edge)).collect(),
            outputs: made.map(|edge| views.file(edge)).collect(),
        }
    };
    let mut in_order = graph.jobs_in_order();
    let asked = match lineage.start {
        Start::Job(job) => Some(job),
        Start::Version(_) => None,
    };
    in_order.retain(|job| lineage.ancestry.jobs.contains(job) || asked == Some(*job));
    LineageView {
        format: "roar.lineage/1",
        artifact: lineage.file.as_ref().map(|edge| views.file(edge)),
        job: asked.map(|job| names.of(&lineage.jobs[job.index()])),
        steps: in_order.into_iter().map(step).collect(),
    }
}

struct Page<'a> {
    lists_all: bool,
    environment: &'a Environment,
    text: String,
}

impl Page<'_> {
    fn write(&mut self, view: &LineageView) -> Written {
        if let Some(artifact) = &view.artifact {
            let hash = artifact.version.mark();
            let maker = match &artifact.version.made_by {
                Some(job) => format!("made by {}", Role::Step.paint(job)),
                None => "made by nobody who is recorded".to_owned(),
            };
            let path = Role::Heading.paint(shown_path(self.environment, &artifact.path));
            writeln!(self.text, "{path}  {}  {maker}", Role::Faint.paint(hash))?;
        }
        for step in &view.steps {
            let command = command_line(&step.command);
            write!(self.text, "{}  {}", Role::Step.paint(&step.job), Role::Heading.paint(command))?;
            for (is_so, mark) in [
                (step.kind == "build", "build"),
                (step.state == "interrupted", "interrupted"),
                (!step.complete, "partial"),
            ] {
                if is_so {
                    write!(self.text, "  {}", Role::Warning.paint(mark))?;
                }
            }
            writeln!(self.text)?;
            self.files("in ", &step.inputs, true)?;
            self.files("out", &step.outputs, false)?;
        }
        Ok(())
    }

    fn files(&mut self, name: &str, files: &[FileView], names_maker: bool) -> Written {
        let mut files: Vec<&FileView> = files.iter().collect();
        files.sort_by_key(|file| &file.path);
        if !self.lists_all {
            // Those that connect steps say most.
            files.sort_by_key(|file| file.version.made_by.is_none());
        }
        let shown = if self.lists_all { files.len() } else { LISTED_MAX };
        for file in files.iter().take(shown) {
            let hash = file.version.mark();
            let path = shown_path(self.environment, &file.path);
            write!(self.text, "    {}  {path}  {}", Role::Faint.paint(name), Role::Faint.paint(hash))?;
            if let Some(maker) = file.version.made_by.as_ref().filter(|_| names_maker) {
                // Of a link that was followed its name is all that counts.
                let is_doubtful = file.evidence == "path" && file.version.kind != "symlink";
                let doubt = if is_doubtful { " by its name, not hashed" } else { "" };
                write!(self.text, "  ← {}{doubt}", Role::Step.paint(maker))?;
            }
            if !names_maker && file.version.prior.is_some() {
                write!(self.text, "  (updated)")?;
            }
            writeln!(self.text)?;
        }
        match files.len().saturating_sub(shown) {
            0 => Ok(()),
            more => {
                let more = phrase::number(more as u64);
                writeln!(self.text, "    {}  … {more} more (`--all` lists all)", Role::Faint.paint(name))
            }
        }
    }
}
