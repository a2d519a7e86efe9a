//! `roar inputs`: the files that an artifact or a job comes from and that no recorded job made.

use std::collections::BTreeMap;

use roar_dag::{ContentRef, VersionIndex};
use roar_lineage::{Lineage, Source, Sources};
use roar_store::Store;
use serde::Serialize;
use tracer_schema::PathBytes;

use crate::cli::InputsArgs;
use crate::commands::lineage;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::{JobName, Names, kind_name, mark};
use crate::place::{self, shown_path};
use crate::ui::{self, Role, Table};
use crate::view::short_hash;

#[derive(Serialize)]
struct InputsView {
    format: &'static str,
    inputs: Vec<InputView>,
}

#[derive(Serialize)]
struct InputView {
    paths: Vec<PathBytes>,
    hash: Option<String>,
    /// Of an object of an object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    kind: &'static str,
    source: SourceView,
    used_by: Vec<JobName>,
}

/// What accounts for a file.
#[derive(Serialize)]
struct SourceView {
    /// `commit`, `changed` (in that commit, with changes that were not committed) or `unknown`.
    kind: &'static str,
    commit: Option<String>,
}

pub(crate) fn inputs(args: &InputsArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let found = lineage::find(&store, &args.target, false, environment)?;
    let mut view = view(&store, &found)?;
    if args.unsourced {
        view.inputs.retain(|input| input.source.kind == "unknown");
    }
    if args.json {
        return ui::print_json(&view);
    }
    if view.inputs.is_empty() {
        ui::say(if args.unsourced {
            "every input comes from a commit or a recorded step"
        } else {
            "it has no inputs"
        });
        return Ok(());
    }
    let mut table = Table::with_heading(&["hash", "from", "used by", "path"]);
    for input in &view.inputs {
        let used_by: Vec<String> = input.used_by.iter().map(ToString::to_string).collect();
        let paths: Vec<String> = input.paths.iter().map(|path| shown_path(environment, path)).collect();
        table.row().role_cell(Role::Faint, mark(input.hash.as_deref(), input.etag.as_deref()));
        table.cell(source_words(&input.source)).role_cell(Role::Step, steps(&used_by));
        table.cell(paths.join(" "));
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}

/// Steps that one cell names.
const NAMED_STEPS_MAX: usize = 4;

fn steps(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED_STEPS_MAX);
    let shown = names[..names.len() - more].join(" ");
    if more == 0 { shown } else { format!("{shown} +{more}") }
}

fn source_words(source: &SourceView) -> String {
    let commit = source.commit.as_deref().map_or("", short_hash);
    match source.kind {
        "commit" => format!("commit {commit}"),
        "changed" => format!("commit {commit}, changed"),
        _ => "unknown".to_owned(),
    }
}

fn view(store: &Store, lineage: &Lineage) -> Result<InputsView, CliError> {
    let names = Names::new(store)?;
    let graph = &lineage.graph;
    let mut users: BTreeMap<VersionIndex, Vec<(JobName, usize, PathBytes)>> = BTreeMap::new();
    for (index, job) in graph.indexed_jobs() {
        let name = names.of(&lineage.jobs[index.index()]);
        for edge in &job.consumes {
            let path = PathBytes::from(graph.path(edge.path));
            users.entry(edge.version).or_default().push((name.clone(), index.index(), path));
        }
    }
    let mut sources = Sources::new(store);
    let mut inputs = Vec::new();
    for root in lineage.roots() {
        let uses = users.remove(&root).unwrap_or_default();
        let source = match uses.first() {
            Some((_, job, path)) => sources.of(lineage.jobs[*job].key, path.as_bytes())?,
            None => Source::Unknown,
        };
        let mut used_by: Vec<JobName> = uses.into_iter().map(|(name, ..)| name).collect();
        used_by.dedup();
        inputs.push(InputView {
            paths: graph.names(root).map(|path| graph.path(path).into()).collect(),
            hash: graph.content(root).and_then(ContentRef::as_hash).map(str::to_owned),
            etag: graph.content(root).and_then(ContentRef::as_etag).map(str::to_owned),
            kind: kind_name(graph.content(root)),
            source: source_view(source),
            used_by,
        });
    }
    inputs.sort_by(|one, other| one.paths.cmp(&other.paths));
    Ok(InputsView { format: "roar.inputs/1", inputs })
}

fn source_view(source: Source) -> SourceView {
    let (kind, commit) = match source {
        Source::Commit(commit) => ("commit", Some(commit)),
        Source::Changed(commit) => ("changed", Some(commit)),
        Source::Unknown => ("unknown", None),
    };
    SourceView { kind, commit }
}
