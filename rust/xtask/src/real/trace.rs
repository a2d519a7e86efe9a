//! One run of a job, bare or traced.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::environment::Environment;
use super::job::Job;
use super::world::World;
use crate::workspace;

/// How a run ended, and what it said.
pub(super) struct Outcome {
    pub(super) status: String,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) time: Duration,
    pub(super) report: Report,
}

/// What a report says, as far as it is compared.
#[derive(Default)]
pub(super) struct Report {
    pub(super) is_complete: bool,
    /// As `KIND NAME`.
    pub(super) gaps: Vec<String>,
    pub(super) files: Vec<Value>,
}

pub(super) fn run_bare(job: &Job, environment: &Environment, world: &World) -> Result<Outcome> {
    world.make(job, environment)?;
    let mut command = world.command(Path::new("sh"));
    outcome(command.args(["-c", &environment.line(&job.shell)]))
}

pub(super) fn run_traced(
    job: &Job,
    backend: &str,
    environment: &Environment,
    world: &World,
) -> Result<Outcome> {
    world.make(job, environment)?;
    let file = environment.root().join("report.json");
    let mut command = world.command(&workspace::roar());
    command.args(["run", "-q", "--no-hash", "--no-tracer-fallback", "--tracer", backend, "--report"]);
    command.arg(&file).args(["--", "sh", "-c", &environment.line(&job.shell)]);
    let mut outcome = outcome(&mut command)?;
    let text =
        fs::read(&file).with_context(|| format!("{} wrote no report: {}", job.name, outcome.stderr))?;
    outcome.report = Report::parse(&serde_json::from_slice(&text)?);
    fs::remove_file(&file)?;
    Ok(outcome)
}

fn outcome(command: &mut Command) -> Result<Outcome> {
    command.stdin(Stdio::null());
    let start = Instant::now();
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let time = start.elapsed();
    Ok(Outcome {
        status: output.status.to_string(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        time,
        report: Report::default(),
    })
}

impl Report {
    fn parse(report: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let coverage = &report["coverage"];
        let gap = |gap: &Value| {
            let path = gap["path"].as_str().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            format!("{} {name}", gap["kind"].as_str().unwrap_or_default())
        };
        let mut gaps: Vec<String> = list(&coverage["gaps"]).iter().map(gap).collect();
        gaps.sort();
        gaps.dedup();
        Self { is_complete: coverage["complete"] == true, gaps, files: list(&report["files"]) }
    }
}
