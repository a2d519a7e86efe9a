//! An in-toto statement (version 1) whose predicate is SLSA provenance (version 1).
//!
//! The whole way to the targets is told as one build: the steps are its parameters, what came in from outside are its
//! dependencies, what steps made on the way its by-products.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use crate::NAME;
use crate::lineage::{Job, Lineage};
use crate::text;

/// A target has no hash, without which it cannot be the subject of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDigest {
    /// The target.
    pub path: Vec<u8>,
}

impl fmt::Display for NoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not hashed, and a statement is about a hash", text::lossy(&self.path))
    }
}

impl std::error::Error for NoDigest {}

/// Returns the statement.
///
/// # Errors
/// A target that has no hash.
pub fn in_toto(lineage: &Lineage) -> Result<Value, NoDigest> {
    let targets: BTreeSet<usize> = lineage.targets.iter().map(|target| target.artifact).collect();
    let bare = targets.iter().find(|target| lineage.artifacts[**target].hashes.is_empty());
    if let Some(bare) = bare {
        return Err(NoDigest { path: lineage.artifacts[*bare].path.clone() });
    }
    let subject: Vec<Value> = lineage
        .targets
        .iter()
        .map(|target| {
            json!({"name": lineage.shown(&target.path), "digest": lineage.artifacts[target.artifact].hashes})
        })
        .collect();
    let made = |index: &usize| lineage.artifacts[*index].producer.is_some() && !targets.contains(index);
    let byproducts: Vec<Value> =
        (0..lineage.artifacts.len()).filter(made).map(|index| descriptor(lineage, index)).collect();
    let sources = lineage.sources().into_iter().filter(|source| !targets.contains(source));
    let mut dependencies: Vec<Value> = sources.map(|source| descriptor(lineage, source)).collect();
    dependencies.extend(
        lineage
            .commits()
            .into_iter()
            .map(|git| json!({"uri": text::git_uri(git), "digest": {"gitCommit": git.commit}})),
    );
    dependencies.extend(lineage.packages().into_iter().map(|package| json!({"uri": text::purl(package)})));
    let steps: Vec<Value> = lineage.jobs.iter().map(|job| step(lineage, job)).collect();
    let started = lineage.jobs.iter().map(|job| &job.started_at).min();
    let finished = lineage.jobs.iter().map(|job| &job.ended_at).max();
    let metadata = json!({
        "invocationId": lineage.jobs.last().map(|job| format!("urn:uuid:{}", job.id)),
        "startedOn": started, "finishedOn": finished,
    });
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{NAME}:build:v1"),
                "externalParameters": {"steps": steps},
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {"id": format!("{NAME}:run"), "version": {"roar": lineage.version}},
                "metadata": without_nulls(metadata),
                "byproducts": byproducts,
            },
        },
    }))
}

fn step(lineage: &Lineage, job: &Job) -> Value {
    let command: Vec<String> = job.command.iter().map(|word| text::lossy(word)).collect();
    let environment = job.environment.iter().map(|variable| (variable.name.clone(), json!(variable.value)));
    json!({
        "id": job.id,
        "command": command,
        "directory": lineage.shown(&job.cwd),
        "environment": Value::Object(environment.collect()),
        "complete": job.is_complete,
        "inputs": job.inputs.iter().map(|flow| lineage.shown(&flow.path)).collect::<Vec<_>>(),
        "outputs": job.outputs.iter().map(|flow| lineage.shown(&flow.path)).collect::<Vec<_>>(),
    })
}

fn descriptor(lineage: &Lineage, index: usize) -> Value {
    let artifact = &lineage.artifacts[index];
    let mut descriptor =
        json!({"name": lineage.shown(&artifact.path), "uri": text::file_uri(&artifact.path)});
    if !artifact.hashes.is_empty() {
        descriptor["digest"] = json!(artifact.hashes);
    }
    descriptor
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, field| !field.is_null());
    }
    value
}
