//! From the store to what is exported.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use roar_dag::{Graph, JobIndex, PathIndex, VersionIndex};
use roar_export::{
    Artifact, Environment as Variable, Flow, Git, Lineage, Outcome, Package, PackageKind, Stream,
};
use roar_lineage::{Start, standing_directory};
use roar_store::{Job, JobContext, Store, StreamKind, rfc3339};
use tracer_schema::{Exit, PathBytes, to_hex};
use uuid::Uuid;

use crate::env::Environment;
use crate::error::CliError;
use crate::view::command_line;
use crate::{commands, phrase, place};

/// Returns what a word on the command line comes from; with what set things up for that, where this is wanted.
pub(super) fn collect(
    store: &Store,
    word: &OsStr,
    wants_set_up: bool,
    environment: &Environment,
) -> Result<Lineage, CliError> {
    let found = commands::lineage::find(store, word, wants_set_up, environment)?;
    let (graph, jobs) = (&found.graph, &found.jobs);
    let asked = environment.cwd.join(word);
    let chosen = Chosen::new(&found, &PathBytes::from(asked.as_path()));
    let root = place::repo(environment).map_or_else(|| environment.cwd.clone(), |repo| repo.root);
    let mut collected = Lineage {
        root: PathBytes::from(root.as_path()).0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        exported_at: rfc3339(phrase::now()),
        id: Uuid::now_v7().to_string(),
        ..Lineage::default()
    };
    let job_places = places(graph.jobs_in_order().into_iter().filter(|job| chosen.jobs.contains(job)));
    let artifact_places = places(chosen.versions.iter().copied());
    for version in &chosen.versions {
        let mut artifact = artifact(store, graph, *version)?;
        let version = graph.version(*version);
        artifact.producer = version.producer.and_then(|producer| job_places.get(&producer).copied());
        artifact.prior = version.prior.and_then(|prior| artifact_places.get(&prior).copied());
        collected.artifacts.push(artifact);
    }
    let mut in_order: Vec<(&JobIndex, &usize)> = job_places.iter().collect();
    in_order.sort_by_key(|(_, place)| **place);
    for (index, _) in in_order {
        let node = graph.job(*index);
        let flow = |edge: &roar_dag::Edge| Flow {
            artifact: artifact_places[&edge.version],
            path: graph.path(edge.path).to_vec(),
        };
        let record = &jobs[index.index()];
        let mut job = of_job(record, store.context(record.key)?);
        job.is_set_up = found.builds.contains(index);
        job.inputs = node.consumes.iter().map(flow).collect();
        // What was updated was taken, too, even if it was not read.
        let updated = node.produces.iter().filter_map(|edge| {
            let prior = graph.prior(edge)?;
            Some(Flow { artifact: artifact_places[&prior], path: graph.path(edge.path).to_vec() })
        });
        for flow in updated {
            if !job.inputs.contains(&flow) {
                job.inputs.push(flow);
            }
        }
        job.outputs = node.produces.iter().map(flow).collect();
        job.directories = directories(node, graph, record);
        job.deleted = node.deletes.iter().map(|path| graph.path(*path).to_vec()).collect();
        collected.jobs.push(job);
    }
    for (version, path) in &chosen.targets {
        let artifact = artifact_places[version];
        let path = graph.path(*path).to_vec();
        collected.artifacts[artifact].path.clone_from(&path);
        collected.targets.push(Flow { artifact, path });
    }
    Ok(collected)
}

/// Returns the directories that were there before a job, in which it has left something.
fn directories(node: &roar_dag::Job, graph: &Graph, record: &Job) -> Vec<Vec<u8>> {
    let parents = node
        .produces
        .iter()
        .filter_map(|made| PathBytes::from(graph.path(made.path)).as_path().parent().map(PathBytes::from));
    let parents: BTreeSet<PathBytes> = parents.collect();
    let standing = |parent: &PathBytes| standing_directory(parent.as_path(), record.began_unix_ns).into();
    let standing: BTreeSet<PathBytes> = parents.iter().map(standing).collect();
    standing.into_iter().map(|directory| directory.0).collect()
}

fn places<T: Ord>(things: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    things.enumerate().map(|(place, thing)| (thing, place)).collect()
}

/// What is exported of a graph.
struct Chosen {
    /// Each by the name that is asked for.
    targets: Vec<(VersionIndex, PathIndex)>,
    jobs: BTreeSet<JobIndex>,
    versions: BTreeSet<VersionIndex>,
}

impl Chosen {
    /// `asked`: the path that was asked for, if it was one.
    fn new(found: &roar_lineage::Lineage, asked: &PathBytes) -> Self {
        let graph = &found.graph;
        let roar_dag::Ancestry { mut jobs, mut versions } = found.ancestry.clone();
        let targets: Vec<(VersionIndex, PathIndex)> = match found.start {
            Start::Job(job) => {
                jobs.insert(job);
                graph.job(job).produces.iter().map(|edge| (edge.version, edge.path)).collect()
            }
            Start::Version(version) => {
                let named = graph.names(version).find(|name| graph.path(*name) == asked.as_bytes());
                vec![(version, named.unwrap_or(graph.version(version).path))]
            }
        };
        versions.extend(targets.iter().map(|(version, _)| version));
        for build in &found.builds {
            jobs.insert(*build);
            let roar_dag::Ancestry { jobs: before, versions: taken } = graph.ancestry_of_job(*build);
            jobs.extend(before);
            versions.extend(taken);
        }
        // A job is told of as a whole.
        for job in &jobs {
            let node = graph.job(*job);
            versions.extend(node.consumes.iter().chain(&node.produces).map(|edge| edge.version));
        }
        Self { targets, jobs, versions }
    }
}

fn artifact(store: &Store, graph: &Graph, version: VersionIndex) -> Result<Artifact, CliError> {
    let path = graph.path(graph.version(version).path).to_vec();
    let mut artifact = Artifact { path, ..Artifact::default() };
    if let Some(content) = graph.content(version) {
        artifact.is_link = content.is_link;
        let found = store.artifacts_by_prefix(content.hash, 2)?;
        for known in found {
            let is_link = known.kind == tracer_schema::NodeKind::Symlink;
            if known.hash == content.hash && is_link == content.is_link {
                artifact.size = known.size;
                artifact.hashes =
                    known.hashes.iter().map(|(name, hash)| (name.to_owned(), to_hex(hash))).collect();
            }
        }
    }
    Ok(artifact)
}

fn of_job(record: &Job, context: JobContext) -> roar_export::Job {
    let JobContext { labels, git, patch: _, streams, packages, env } = context;
    let ended_unix_ns =
        record.started_unix_ns.saturating_add(i64::try_from(record.duration_ns).unwrap_or(i64::MAX));
    let outcome = match record.exit {
        Some(Exit::Code { code: 0 }) => Outcome::Done,
        Some(Exit::Code { code }) => Outcome::Failed(format!("exit status {code}")),
        Some(Exit::Signal { .. }) => Outcome::Failed(phrase::exit(record.exit)),
        None => Outcome::Unknown,
    };
    let git = git.and_then(|git| {
        let (remote, branch, is_dirty) = (git.remote, git.branch, git.is_dirty == Some(true));
        git.commit.map(|commit| Git { remote, commit, branch, is_dirty })
    });
    let stream = |stream: roar_store::Stream| {
        let path = stream.path.filter(|_| stream.kind == StreamKind::File)?;
        Some(Stream { fd: stream.fd, path: path.0, is_append: stream.is_append })
    };
    let package = |package: roar_store::Package| Package {
        kind: match package.kind {
            roar_store::PackageKind::Debian => PackageKind::Debian,
            roar_store::PackageKind::Python => PackageKind::Python,
        },
        name: package.name,
        version: package.version,
        arch: package.arch,
    };
    let variable = |variable: roar_store::EnvUse| {
        let text = |bytes: PathBytes| String::from_utf8_lossy(&bytes.0).into_owned();
        Some(Variable { name: text(variable.name), value: text(variable.value?) })
    };
    roar_export::Job {
        id: record.id.clone(),
        step: record.step,
        command: record.command.iter().map(|word| word.0.clone()).collect(),
        command_line: command_line(&record.command),
        cwd: record.cwd.0.clone(),
        started_at: rfc3339(record.started_unix_ns),
        ended_at: rfc3339(ended_unix_ns),
        outcome,
        is_complete: record.is_complete,
        backend: record.backend.clone(),
        streams: streams.into_iter().filter_map(stream).collect(),
        git,
        packages: packages.into_iter().map(package).collect(),
        environment: env.into_iter().filter_map(variable).collect(),
        labels,
        ..roar_export::Job::default()
    }
}
