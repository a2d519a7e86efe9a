//! The jobs, as `tests/real/jobs.toml` has them.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace;

/// One job. What the fields mean stands at the top of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    pub(super) name: String,
    /// Programs on the search path, or paths of files, that must be there.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    #[serde(default)]
    pub(super) before: String,
    pub(super) shell: String,
    #[serde(default)]
    pub(super) inputs: Vec<String>,
    #[serde(default)]
    pub(super) outputs: Vec<String>,
    #[serde(default)]
    pub(super) others: Vec<String>,
    #[serde(default)]
    pub(super) random: Vec<String>,
    #[serde(default)]
    pub(super) differs: Vec<Difference>,
    /// By backend, gaps as `KIND NAME`; each at least once.
    #[serde(default)]
    pub(super) gaps: BTreeMap<String, Vec<String>>,
    /// By backend, why it does not see the files.
    #[serde(default)]
    pub(super) unseen: BTreeMap<String, String>,
    /// By backend, why the program does not work under it.
    #[serde(default)]
    pub(super) fails: BTreeMap<String, String>,
}

/// A difference between backends that is meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Difference {
    /// As in `random`.
    pub(super) path: String,
    /// The backend that has it, or `any`: sometimes the one, sometimes the other, sometimes none.
    pub(super) only: String,
    /// The reason: for readers.
    #[serde(rename = "why")]
    pub(super) _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    job: Vec<Job>,
}

pub(super) fn load() -> Result<Vec<Job>> {
    let file = workspace::root().join("tests/real/jobs.toml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let jobs: Jobs = toml::from_str(&text).with_context(|| file.display().to_string())?;
    Ok(jobs.job)
}
