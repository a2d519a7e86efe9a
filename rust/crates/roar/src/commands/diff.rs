//! `roar diff`: what differs between what two artifacts or jobs come from.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write;

use roar_dag::Edge;
use roar_lineage::{Lineage, Start, is_code};
use roar_store::{Job, JobContext, Patch, Store};
use serde::Serialize;
use tracer_schema::{PathBytes, Role as FileRole, to_hex};

use crate::cli::DiffArgs;
use crate::commands::lineage;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::{JobName, Names};
use crate::place::{self, shown_path};
use crate::ui::{self, Role};
use crate::view::{command_line, short_hash};
use crate::{phrase, quote};

#[derive(Serialize)]
struct DiffView {
    format: &'static str,
    a: SideView,
    b: SideView,
    differences: Vec<Difference>,
}

/// One of the two.
#[derive(Serialize)]
struct SideView {
    /// The job, or the one that made the artifact; absent where nobody who is recorded did.
    job: Option<JobName>,
    command: Option<Vec<PathBytes>>,
    /// Of an artifact.
    hash: Option<String>,
}

/// Something that is not the same. What only one side has is absent from the other.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    /// `content`, `command`, `directory`, `exit`, `commit`, `uncommitted`, `input`, `code`, `output`, `package`, `variable`, `root` (a file
    /// from before all steps) or `step` (a command that only one of them comes from).
    aspect: &'static str,
    name: PathBytes,
    a: Option<PathBytes>,
    b: Option<PathBytes>,
}

/// Aspects in which names are paths and values are hashes.
const OF_FILES: &[&str] = &["input", "code", "output", "root"];

/// Differences of one aspect that are listed; the others are counted.
const LISTED_MAX: usize = 40;

/// Stands for the value of a variable that was used, and whose value the user did not want recorded.
const NOT_RECORDED: &str = "(not recorded)";

/// Everything that is compared: for each aspect a value for each name.
type Facts = BTreeMap<(&'static str, PathBytes), PathBytes>;

pub(crate) fn diff(args: &DiffArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let names = Names::new(&store)?;
    let (a, facts_a) = side(&store, &args.one, names, environment)?;
    let (b, facts_b) = side(&store, &args.other, names, environment)?;
    let mut differences = differences(&facts_a, &facts_b);
    if a.job.is_none() || b.job.is_none() {
        // Where nobody made one of them, all that there is to the other would be a difference.
        differences.retain(|difference| difference.aspect == "content");
    }
    let view = DiffView { format: "roar.diff/1", a, b, differences };
    if args.json {
        return ui::print_json(&view);
    }
    let mut page = String::new();
    write(&view, environment, &mut page)?;
    ui::page(&page, environment)
}

fn differences(a: &Facts, b: &Facts) -> Vec<Difference> {
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let mut found: Vec<Difference> = keys
        .into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| Difference {
            aspect: key.0,
            name: key.1.clone(),
            a: a.get(key).cloned(),
            b: b.get(key).cloned(),
        })
        .collect();
    found.sort_by_key(|difference| ASPECTS.iter().position(|aspect| *aspect == difference.aspect));
    found
}

/// The aspects, in the order in which they are listed.
const ASPECTS: &[&str] = &[
    "content",
    "command",
    "directory",
    "exit",
    "commit",
    "uncommitted",
    "code",
    "input",
    "root",
    "step",
    "package",
    "variable",
    "output",
];

fn side(
    store: &Store,
    word: &OsStr,
    names: Names,
    environment: &Environment,
) -> Result<(SideView, Facts), CliError> {
    let lineage = lineage::find(store, word, false, environment)?;
    let graph = &lineage.graph;
    let (index, hash) = match lineage.start {
        Start::Job(job) => (Some(job), None),
        Start::Version(version) => (
            graph.version(version).producer,
            graph.content(version).and_then(|content| content.as_hash().map(str::to_owned)),
        ),
    };
    let mut facts = Facts::new();
    if let Some(hash) = &hash {
        facts.insert(("content", PathBytes::default()), PathBytes::from(hash.as_str()));
    }
    add_ancestry(&lineage, index.map(|index| index.index()), &mut facts);
    let job = index.map(|index| &lineage.jobs[index.index()]);
    if let (Some(job), Some(index)) = (job, index) {
        add_job(store, job, &mut facts)?;
        for edge in &graph.job(index).consumes {
            let (name, value) = file_fact(&lineage, edge);
            facts.insert((if is_code(name.as_bytes()) { "code" } else { "input" }, name), value);
        }
    }
    let side =
        SideView { job: job.map(|job| names.of(job)), command: job.map(|job| job.command.clone()), hash };
    Ok((side, facts))
}

fn file_fact(lineage: &Lineage, edge: &Edge) -> (PathBytes, PathBytes) {
    let hash = lineage.graph.content(edge.version).map_or("", |content| content.hash);
    (PathBytes::from(lineage.graph.path(edge.path)), PathBytes::from(hash))
}

/// Adds what is at the very beginning, and the other steps on the way.
fn add_ancestry(lineage: &Lineage, own: Option<usize>, facts: &mut Facts) {
    let roots: BTreeSet<_> = lineage.roots().into_iter().collect();
    let own_index = own;
    for (index, job) in lineage.graph.indexed_jobs() {
        if !lineage.ancestry.jobs.contains(&index) && Some(index.index()) != own_index {
            continue;
        }
        if Some(index.index()) != own_index {
            // What the job itself took from nobody is listed as its input.
            for edge in job.consumes.iter().filter(|edge| roots.contains(&edge.version)) {
                let (name, value) = file_fact(lineage, edge);
                facts.insert(("root", name), value);
            }
            let words: Vec<PathBytes> = job.command.iter().map(|word| PathBytes(word.clone())).collect();
            facts.insert(("step", PathBytes::from(command_line(&words).as_str())), PathBytes::default());
        }
    }
}

fn add_job(store: &Store, job: &Job, facts: &mut Facts) -> Result<(), CliError> {
    let mut add = |aspect, name: &str, value: &str| {
        facts.insert((aspect, PathBytes::from(name)), PathBytes::from(value));
    };
    add("command", "", &command_line(&job.command));
    add("directory", "", &quote::word(job.cwd.as_bytes()));
    add("exit", "", &phrase::exit(job.exit));
    let JobContext { labels: _, git, patch, streams: _, packages, env } = store.context(job.key)?;
    if let Some(git) = git {
        add("commit", "", git.commit.as_deref().unwrap_or("none"));
        for path in &git.changed_paths {
            let name = PathBytes::from([git.top_level.as_bytes(), b"/", path.as_bytes()].concat().as_slice());
            facts.insert(("uncommitted", name), PathBytes::default());
        }
    }
    if let Some(Patch::Kept(text)) = patch {
        // Equal patches are told from others; what differs in them is for `git diff`.
        facts.insert(("uncommitted", PathBytes::from("")), PathBytes::from(text.as_slice()));
    }
    for package in packages {
        let name =
            if package.arch.is_empty() { package.name } else { format!("{}:{}", package.name, package.arch) };
        let name = format!("{} {name}", package.kind.name());
        facts.insert(("package", PathBytes::from(name.as_str())), PathBytes::from(package.version.as_str()));
    }
    for variable in env {
        let value = variable.value.unwrap_or_else(|| PathBytes::from(NOT_RECORDED));
        facts.insert(("variable", variable.name), value);
    }
    for file in
        store.files(job.key)?.into_iter().filter(|file| file.role == FileRole::Output && !file.filtered)
    {
        let hash = file.hash.as_ref().and_then(|hashes| hashes.iter().next()).map(|(_, hash)| to_hex(hash));
        facts.insert(("output", file.path), PathBytes::from(hash.unwrap_or_default().as_str()));
    }
    Ok(())
}

fn write(view: &DiffView, environment: &Environment, page: &mut String) -> Result<(), CliError> {
    for (sign, side) in [("-", &view.a), ("+", &view.b)] {
        let hash = side.hash.as_deref().map(short_hash).unwrap_or_default();
        let job = side.job.as_ref().map(|job| Role::Step.paint(job).to_string()).unwrap_or_default();
        let command = side.command.as_deref().map(command_line).unwrap_or_default();
        let parts = [sign, hash, job.as_str(), command.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(page, "{}", parts.join("  "))?;
    }
    if view.differences.is_empty() {
        writeln!(page, "no difference")?;
    }
    for aspect in ASPECTS {
        let of_aspect: Vec<&Difference> =
            view.differences.iter().filter(|difference| difference.aspect == *aspect).collect();
        if of_aspect.is_empty() {
            continue;
        }
        writeln!(page, "{}", Role::Heading.paint(aspect))?;
        for difference in of_aspect.iter().take(LISTED_MAX) {
            line(difference, environment, page)?;
        }
        if of_aspect.len() > LISTED_MAX {
            let more = phrase::number((of_aspect.len() - LISTED_MAX) as u64);
            writeln!(page, "  … {more} more (`--json` lists all)")?;
        }
    }
    Ok(())
}

fn line(difference: &Difference, environment: &Environment, page: &mut String) -> Result<(), CliError> {
    let Difference { aspect, name, a, b } = difference;
    let is_file = OF_FILES.contains(aspect);
    let name = match *aspect {
        "step" => name.to_string(),
        _ if name.as_bytes().is_empty() => String::new(),
        "uncommitted" => shown_path(environment, name),
        _ if is_file => shown_path(environment, name),
        _ => quote::word(name.as_bytes()),
    };
    let show = |value: &PathBytes| match *aspect {
        "uncommitted" if name.is_empty() => {
            format!("{} of changes", phrase::size(value.as_bytes().len() as u64))
        }
        _ if is_file && value.as_bytes().is_empty() => "not hashed".to_owned(),
        "content" | "commit" => short_hash(&value.to_string()).to_owned(),
        _ if is_file => short_hash(&value.to_string()).to_owned(),
        "variable" if value.as_bytes() == NOT_RECORDED.as_bytes() => NOT_RECORDED.to_owned(),
        "variable" | "package" => quote::word(value.as_bytes()),
        _ => value.to_string(),
    };
    match (a, b) {
        (Some(a), Some(b)) if *aspect == "command" => {
            writeln!(page, "  - {}\n  + {}", show(a), show(b))?;
        }
        (Some(a), Some(b)) => {
            let gap = if name.is_empty() { "" } else { "  " };
            writeln!(page, "  ~ {name}{gap}{} → {}", show(a), show(b))?;
        }
        (one, other) => {
            let sign = if one.is_some() { "-" } else { "+" };
            let value = one.as_ref().or(other.as_ref()).filter(|value| !value.as_bytes().is_empty());
            let value = value.map(show).unwrap_or_default();
            writeln!(page, "  {sign} {}", format!("{name}  {value}").trim())?;
        }
    }
    Ok(())
}
