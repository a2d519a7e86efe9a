//! RO-Crate 1.1 after the profile Process Run Crate 0.5 of Workflow Run RO-Crate: each job is an action on files.
//!
//! The document belongs into the project's directory, as `ro-crate-metadata.json`: files there are named from there. A version
//! that is no longer on disk is told of, too, as a work that the crate does not hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::lineage::{Artifact, Job, Lineage, Outcome};
use crate::text;

const CRATE: &str = "https://w3id.org/ro/crate/1.1";
const PROFILE: &str = "https://w3id.org/ro/wfrun/process/0.5";
/// Where the terms are defined that the profiles add to the context of RO-Crate 1.1.
const TERMS: &str = "https://w3id.org/ro/terms/workflow-run#";

/// Returns the document.
pub fn ro_crate(lineage: &Lineage) -> Value {
    let ids: Vec<String> = (0..lineage.artifacts.len()).map(|index| id(lineage, index)).collect();
    // Two artifacts can be one file: its content came up twice.
    let mut files: BTreeMap<&str, Value> = BTreeMap::new();
    for (index, id) in ids.iter().enumerate() {
        files.entry(id).or_insert_with(|| file(lineage, index, id));
    }
    let parts: Vec<Value> =
        files.iter().filter(|(_, file)| file["@type"] == "File").map(|(id, _)| json!({"@id": id})).collect();
    let actions: Vec<Value> = lineage.jobs.iter().map(|job| json!({"@id": action_id(job)})).collect();
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json", "@type": "CreativeWork",
            "about": {"@id": "./"}, "conformsTo": {"@id": CRATE},
        }),
        json!({
            "@id": "./", "@type": "Dataset",
            "name": format!("Lineage of {}", names(lineage)),
            "description": format!("What {} comes from, as roar recorded it", names(lineage)),
            "datePublished": lineage.exported_at,
            "license": "Not said: roar does not know the terms of what it recorded",
            "conformsTo": {"@id": PROFILE},
            "hasPart": parts,
            "mentions": actions,
        }),
        json!({"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}),
        json!({
            "@id": "#roar", "@type": "SoftwareApplication", "name": "roar", "version": lineage.version,
            "softwareVersion": lineage.version
        }),
    ];
    graph.extend(files.into_values());
    let mut instruments = BTreeMap::new();
    for job in &lineage.jobs {
        graph.push(action(job, &ids));
        graph.extend(job.environment.iter().map(|variable| {
            let name = &variable.name;
            json!({"@id": variable_id(job, name), "@type": "PropertyValue", "name": name, "value": variable.value})
        }));
        instruments.entry(instrument_id(job)).or_insert_with(|| {
            let program = job.command.first().map_or_else(String::new, |program| text::lossy(program));
            json!({"@id": instrument_id(job), "@type": "SoftwareApplication", "name": program})
        });
    }
    graph.extend(instruments.into_values());
    let terms = json!({"sha256": format!("{TERMS}sha256"), "environment": format!("{TERMS}environment")});
    json!({"@context": [format!("{CRATE}/context"), terms], "@graph": graph})
}

/// Returns what a file is called: from the crate's directory, or as a URI where it is elsewhere; a name within the document where it
/// is no longer there, or has a name that readers of crates cannot decode.
fn id(lineage: &Lineage, index: usize) -> String {
    let artifact = &lineage.artifacts[index];
    match lineage.below_root(&artifact.path) {
        Some(path) if is_file(artifact) => text::percent(path, b"/"),
        None if is_file(artifact) => text::file_uri(&artifact.path),
        Some(_) | None => format!("#{}", lineage.artifact_name(index)),
    }
}

/// Returns whether the crate holds it as a file.
fn is_file(artifact: &Artifact) -> bool {
    artifact.is_on_disk && std::str::from_utf8(&artifact.path).is_ok()
}

fn file(lineage: &Lineage, index: usize, id: &str) -> Value {
    let artifact = &lineage.artifacts[index];
    let kind = if is_file(artifact) { "File" } else { "CreativeWork" };
    let mut file = json!({"@id": id, "@type": kind, "name": lineage.shown(&artifact.path)});
    if let Some(size) = artifact.size {
        file["contentSize"] = json!(size.to_string());
    }
    if let Some(hash) = artifact.hashes.get("sha256") {
        file["sha256"] = json!(hash);
    }
    if let Some((algorithm, hash)) = artifact.hashes.iter().next() {
        file["identifier"] = json!(format!("{algorithm}:{hash}"));
    }
    file
}

fn names(lineage: &Lineage) -> String {
    let names: Vec<String> = lineage.targets.iter().map(|target| lineage.shown(&target.path)).collect();
    if names.is_empty() { "the session".to_owned() } else { names.join(", ") }
}

fn action_id(job: &Job) -> String {
    format!("#job-{}", job.id)
}

fn variable_id(job: &Job, name: &str) -> String {
    format!("#job-{}-{}", job.id, text::percent(name.as_bytes(), b""))
}

/// The program is what the command names: of its version nothing is known but the packages that the job used.
fn instrument_id(job: &Job) -> String {
    let program = job.command.first().map_or(&b""[..], Vec::as_slice);
    format!("#program-{}", text::percent(program, b""))
}

fn action(job: &Job, ids: &[String]) -> Value {
    let refs = |flows: &[crate::Flow]| {
        let mut ids: Vec<&String> = flows.iter().map(|flow| &ids[flow.artifact]).collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().map(|id| json!({"@id": id})).collect::<Vec<_>>()
    };
    let mut action = json!({
        "@id": action_id(job),
        "@type": "CreateAction",
        "name": format!("Step {}", job.step),
        "description": job.command_line,
        "instrument": {"@id": instrument_id(job)},
        "object": refs(&job.inputs),
        "result": refs(&job.outputs),
        "startTime": job.started_at,
        "endTime": job.ended_at,
        "agent": {"@id": "#roar"},
    });
    match &job.outcome {
        Outcome::Done => action["actionStatus"] = json!({"@id": "http://schema.org/CompletedActionStatus"}),
        Outcome::Failed(how) => {
            action["actionStatus"] = json!({"@id": "http://schema.org/FailedActionStatus"});
            action["error"] = json!(how);
        }
        Outcome::Unknown => {}
    }
    if !job.environment.is_empty() {
        let variables = job.environment.iter();
        action["environment"] =
            variables.map(|variable| json!({"@id": variable_id(job, &variable.name)})).collect();
    }
    if let Some(git) = &job.git {
        action["identifier"] = json!(text::git_uri(git));
    }
    action
}
