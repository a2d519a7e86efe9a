//! W3C PROV, in the notation of PROV-JSON (member submission of 24 April 2013).

use serde_json::{Map, Value, json};

use crate::NAME;
use crate::lineage::{Job, Lineage, Outcome};
use crate::text;

/// Returns the document.
pub fn prov(lineage: &Lineage) -> Value {
    let mut document = Document::default();
    document.record(
        "agent",
        "roar:program",
        json!({
            "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
            "prov:label": "roar",
            "roar:version": lineage.version,
        }),
    );
    for index in 0..lineage.artifacts.len() {
        document.record("entity", &artifact(lineage, index), entity(lineage, index));
    }
    for job in &lineage.jobs {
        let activity = format!("job:{}", job.id);
        document.record("activity", &activity, of_job(lineage, job));
        document
            .relate("wasAssociatedWith", json!({"prov:activity": activity, "prov:agent": "roar:program"}));
        for input in &job.inputs {
            let entity = artifact(lineage, input.artifact);
            document.relate(
                "used",
                json!({
                    "prov:activity": activity, "prov:entity": entity, "roar:path": lineage.shown(&input.path),
                }),
            );
        }
        for output in &job.outputs {
            let entity = artifact(lineage, output.artifact);
            document.relate(
                "wasGeneratedBy",
                json!({
                    "prov:entity": entity, "prov:activity": activity, "prov:time": job.ended_at,
                    "roar:path": lineage.shown(&output.path),
                }),
            );
        }
    }
    for (index, made) in lineage.artifacts.iter().enumerate() {
        if let Some(prior) = made.prior {
            document.relate("wasDerivedFrom", json!({
                "prov:generatedEntity": artifact(lineage, index), "prov:usedEntity": artifact(lineage, prior),
                "prov:type": {"$": "prov:Revision", "type": "prov:QUALIFIED_NAME"},
            }));
        }
    }
    document.sections.insert(
        "prefix".to_owned(),
        json!({
            "roar": format!("{NAME}:term:"), "job": "urn:uuid:", "artifact": format!("{NAME}:artifact:"),
        }),
    );
    Value::Object(document.sections)
}

#[derive(Default)]
struct Document {
    sections: Map<String, Value>,
    relations: usize,
}

impl Document {
    fn record(&mut self, section: &str, name: &str, attributes: Value) {
        let section = self.sections.entry(section).or_insert_with(|| json!({}));
        section[name] = attributes;
    }

    /// Adds a relation, which needs a name and is not referred to.
    fn relate(&mut self, section: &str, attributes: Value) {
        self.relations += 1;
        self.record(section, &format!("_:r{}", self.relations), attributes);
    }
}

fn artifact(lineage: &Lineage, index: usize) -> String {
    format!("artifact:{}", lineage.artifact_name(index))
}

fn entity(lineage: &Lineage, index: usize) -> Value {
    let artifact = &lineage.artifacts[index];
    let mut entity = json!({
        "prov:label": lineage.shown(&artifact.path),
        "prov:location": {"$": text::file_uri(&artifact.path), "type": "xsd:anyURI"},
        "prov:type": if artifact.is_link { "symbolic link" } else { "file" },
    });
    for (algorithm, hash) in &artifact.hashes {
        entity[format!("roar:{algorithm}")] = json!(hash);
    }
    if let Some(size) = artifact.size {
        entity["roar:size"] = json!({"$": size.to_string(), "type": "xsd:long"});
    }
    entity
}

fn of_job(lineage: &Lineage, job: &Job) -> Value {
    let mut activity = json!({
        "prov:label": job.command_line,
        "prov:startTime": job.started_at,
        "prov:endTime": job.ended_at,
        "roar:step": {"$": job.step.to_string(), "type": "xsd:long"},
        "roar:directory": lineage.shown(&job.cwd),
        "roar:backend": job.backend,
        "roar:complete": {"$": job.is_complete.to_string(), "type": "xsd:boolean"},
    });
    match &job.outcome {
        Outcome::Done => activity["roar:outcome"] = json!("done"),
        Outcome::Failed(how) => activity["roar:outcome"] = json!(format!("failed: {how}")),
        Outcome::Unknown => {}
    }
    if let Some(git) = &job.git {
        activity["roar:commit"] = json!(text::git_uri(git));
    }
    for (key, value) in &job.labels {
        activity[format!("roar:label-{}", text::percent(key.as_bytes(), b"").replace('%', "."))] =
            json!(value);
    }
    activity
}
