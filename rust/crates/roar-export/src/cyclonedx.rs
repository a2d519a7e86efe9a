//! CycloneDX 1.6: files and packages as components, jobs as the tasks of a formula.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::lineage::{Flow, Job, Lineage};
use crate::text;

/// Hashes by the names that CycloneDX has for the algorithms. It has no more of ours.
const ALGORITHMS: &[(&str, &str)] = &[("blake3", "BLAKE3"), ("md5", "MD5"), ("sha256", "SHA-256")];

/// Returns the document.
pub fn cyclonedx(lineage: &Lineage) -> Value {
    let artifacts = (0..lineage.artifacts.len()).map(|index| component(lineage, index));
    let packages = lineage.packages().into_iter().map(|package| {
        let purl = text::purl(package);
        json!({
            "type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl,
        })
    });
    let components: Vec<Value> = artifacts.chain(packages).collect();
    let mut metadata = json!({
        "timestamp": lineage.exported_at,
        "tools": {"components": [{
            "type": "application", "name": "roar", "version": lineage.version
        }]},
    });
    if let [target] = lineage.targets.as_slice() {
        metadata["component"] = json!({
            "type": "file", "bom-ref": "target", "name": lineage.shown(&target.path),
            "hashes": hashes(&lineage.artifacts[target.artifact].hashes),
        });
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", lineage.id),
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies(lineage),
        "formulation": [{"bom-ref": "formula", "workflows": [workflow(lineage)]}],
    })
}

fn artifact_ref(lineage: &Lineage, index: usize) -> String {
    format!("artifact:{}", lineage.artifact_name(index))
}

fn job_ref(job: &Job) -> String {
    format!("job:{}", job.id)
}

fn component(lineage: &Lineage, index: usize) -> Value {
    let artifact = &lineage.artifacts[index];
    let mut properties = vec![json!({"name": "roar:uri", "value": text::file_uri(&artifact.path)})];
    if let Some(size) = artifact.size {
        properties.push(json!({"name": "roar:size", "value": size.to_string()}));
    }
    json!({
        "type": "file",
        "bom-ref": artifact_ref(lineage, index),
        "name": lineage.shown(&artifact.path),
        "hashes": hashes(&artifact.hashes),
        "properties": properties,
    })
}

fn hashes(hashes: &BTreeMap<String, String>) -> Vec<Value> {
    let known = ALGORITHMS.iter().filter_map(|(ours, theirs)| Some((theirs, hashes.get(*ours)?)));
    known.map(|(algorithm, hash)| json!({"alg": algorithm, "content": hash})).collect()
}

/// What was made depends on what its maker took, and on the packages that this used.
fn dependencies(lineage: &Lineage) -> Vec<Value> {
    let on = |index: usize| {
        let job = &lineage.jobs[lineage.artifacts[index].producer?];
        let mut on: Vec<String> =
            job.inputs.iter().map(|flow| artifact_ref(lineage, flow.artifact)).collect();
        on.extend(job.packages.iter().map(text::purl));
        on.sort();
        on.dedup();
        Some(on)
    };
    let mut dependencies: Vec<Value> = (0..lineage.artifacts.len())
        .filter_map(|index| Some(json!({"ref": artifact_ref(lineage, index), "dependsOn": on(index)?})))
        .collect();
    if let [target] = lineage.targets.as_slice() {
        dependencies.push(json!({"ref": "target", "dependsOn": [artifact_ref(lineage, target.artifact)]}));
    }
    dependencies
}

fn workflow(lineage: &Lineage) -> Value {
    let tasks: Vec<Value> = lineage.jobs.iter().map(|job| task(lineage, job)).collect();
    let parents = |job: &Job| {
        let makers = job.inputs.iter().filter_map(|flow| lineage.artifacts[flow.artifact].producer);
        let mut on: Vec<String> = makers.map(|maker| job_ref(&lineage.jobs[maker])).collect();
        on.sort();
        on.dedup();
        on
    };
    let order: Vec<Value> =
        lineage.jobs.iter().map(|job| json!({"ref": job_ref(job), "dependsOn": parents(job)})).collect();
    json!({
        "bom-ref": "workflow", "uid": lineage.id, "taskTypes": ["build"], "tasks": tasks, "taskDependencies": order,
    })
}

fn task(lineage: &Lineage, job: &Job) -> Value {
    // Files of the same content are one artifact, which is named once.
    let resources = |flows: &[Flow]| {
        let artifacts: BTreeSet<usize> = flows.iter().map(|flow| flow.artifact).collect();
        artifacts.into_iter().map(|artifact| json!({"ref": artifact_ref(lineage, artifact)}))
    };
    let mut inputs: Vec<Value> =
        resources(&job.inputs).map(|resource| json!({"resource": resource})).collect();
    if !job.environment.is_empty() {
        let variables = job.environment.iter();
        let variables: Vec<Value> =
            variables.map(|variable| json!({"name": variable.name, "value": variable.value})).collect();
        inputs.push(json!({"environmentVars": variables}));
    }
    let outputs: Vec<Value> =
        resources(&job.outputs).map(|resource| json!({"type": "artifact", "resource": resource})).collect();
    json!({
        "bom-ref": job_ref(job),
        "uid": job.id,
        "name": format!("@{}", job.step),
        "taskTypes": ["build"],
        "steps": [{"commands": [{"executed": job.command_line}]}],
        "inputs": inputs,
        "outputs": outputs,
        "timeStart": job.started_at,
        "timeEnd": job.ended_at,
    })
}
