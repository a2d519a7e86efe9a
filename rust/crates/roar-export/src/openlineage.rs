//! OpenLineage 2: two events for each job, its start and its end.

use serde_json::{Value, json};

use crate::NAME;
use crate::lineage::{Artifact, Flow, Job, Lineage, Outcome};
use crate::text;

/// The document of the specification that events are after.
const SPECIFICATION: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// Facets: the name in an event, the version of its specification and its type.
const VERSION: Facet = Facet("1-0-1", "DatasetVersionDatasetFacet");
const INPUT_SIZE: Facet = Facet("1-0-0", "InputStatisticsInputDatasetFacet");
const OUTPUT_SIZE: Facet = Facet("1-0-2", "OutputStatisticsOutputDatasetFacet");
const JOB_TYPE: Facet = Facet("2-0-4", "JobTypeJobFacet");
const SOURCE: Facet = Facet("1-1-0", "SourceCodeLocationJobFacet");
const ENGINE: Facet = Facet("1-1-1", "ProcessingEngineRunFacet");
const VARIABLES: Facet = Facet("1-0-0", "EnvironmentVariablesRunFacet");
const FAILURE: Facet = Facet("1-0-1", "ErrorMessageRunFacet");

/// Version and type of a facet.
struct Facet(&'static str, &'static str);

impl Facet {
    /// Returns the facet with those fields.
    fn with(&self, mut fields: Value) -> Value {
        let Self(version, name) = self;
        fields["_producer"] = json!(NAME);
        fields["_schemaURL"] =
            json!(format!("https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"));
        fields
    }
}

/// Returns the events, in the order of time within each job.
pub fn openlineage(lineage: &Lineage) -> Vec<Value> {
    let mut events = Vec::with_capacity(lineage.jobs.len() * 2);
    for job in &lineage.jobs {
        events.push(event(lineage, job, "START", &job.started_at));
        let end = match &job.outcome {
            Outcome::Done => "COMPLETE",
            Outcome::Failed(_) => "FAIL",
            Outcome::Unknown => "ABORT",
        };
        events.push(event(lineage, job, end, &job.ended_at));
    }
    events
}

fn event(lineage: &Lineage, job: &Job, kind: &str, time: &str) -> Value {
    let dataset = |flow: &Flow, sizes: &str, facet: &Facet| {
        let artifact = &lineage.artifacts[flow.artifact];
        let mut dataset =
            json!({"namespace": "file", "name": text::lossy(&flow.path), "facets": facets(artifact)});
        if let Some(size) = artifact.size {
            dataset[sizes] = json!({sizes.replace("Facets", "Statistics"): facet.with(json!({"size": size, "fileCount": 1}))});
        }
        dataset
    };
    let inputs: Vec<Value> =
        job.inputs.iter().map(|flow| dataset(flow, "inputFacets", &INPUT_SIZE)).collect();
    let outputs: Vec<Value> =
        job.outputs.iter().map(|flow| dataset(flow, "outputFacets", &OUTPUT_SIZE)).collect();
    json!({
        "eventType": kind,
        "eventTime": time,
        "producer": NAME,
        "schemaURL": SPECIFICATION,
        "run": {"runId": job.id, "facets": run_facets(lineage, job, kind)},
        "job": {"namespace": text::lossy(&lineage.root), "name": job.command_line, "facets": job_facets(job)},
        "inputs": inputs,
        "outputs": outputs,
    })
}

fn facets(artifact: &Artifact) -> Value {
    match artifact.hashes.iter().next() {
        Some((algorithm, hash)) => {
            json!({"version": VERSION.with(json!({"datasetVersion": format!("{algorithm}:{hash}")}))})
        }
        None => json!({}),
    }
}

fn run_facets(lineage: &Lineage, job: &Job, kind: &str) -> Value {
    let mut facets = json!({
        "processing_engine": ENGINE.with(json!({"version": lineage.version, "name": format!("roar ({})", job.backend)})),
    });
    if !job.environment.is_empty() {
        let variables = job.environment.iter();
        let variables: Vec<Value> =
            variables.map(|variable| json!({"name": variable.name, "value": variable.value})).collect();
        facets["environmentVariables"] = VARIABLES.with(json!({"environmentVariables": variables}));
    }
    if let (Outcome::Failed(how), "FAIL") = (&job.outcome, kind) {
        facets["errorMessage"] = FAILURE.with(json!({"message": how, "programmingLanguage": "sh"}));
    }
    facets
}

fn job_facets(job: &Job) -> Value {
    let mut facets = json!({
        "jobType": JOB_TYPE.with(json!({"processingType": "BATCH", "integration": "ROAR", "jobType": "COMMAND"})),
    });
    if let Some(git) = &job.git
        && let Some(remote) = &git.remote
    {
        facets["sourceCodeLocation"] = SOURCE.with(json!({
            "type": "git", "url": remote, "repoUrl": remote, "version": git.commit, "branch": git.branch,
        }));
    }
    facets
}
