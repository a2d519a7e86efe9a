//! What a person means by a word on the command line.

use std::ffi::OsStr;
use std::path::Path;

use roar_dag::NOTHING;
use roar_lineage::content_now;
use roar_run::normal;
use roar_store::{Artifact, Found, Job, Store, Target};
use tracer_schema::{NodeKind, PathBytes};

use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::place::shown_path;
use crate::view::{command_line, short_hash};
use crate::{quote, ui};

/// How URLs of objects begin, which nobody looks for in a directory.
const OBJECTS: &[u8] = b"s3://";

/// Artifacts with one hash: a file, and a link with a target of the same bytes.
const CONTENTS_MAX: usize = 2;

/// Returns what the word stands for.
pub(super) fn find(store: &Store, word: &OsStr, environment: &Environment) -> Result<Target, CliError> {
    let paths = paths(Path::new(word), &environment.cwd);
    // What is not text can only be a path.
    let text = word.to_str().unwrap_or_default();
    let shown = quote::word(word.as_encoded_bytes());
    match store.find_target(text, &paths)? {
        Found::One(target) => Ok(*target),
        Found::Ambiguous(candidates) => {
            let failure = CliError::new(Kind::User, format!("{shown} can mean several things"));
            Err(failure.with_hint(format!("say which one:{}", list(&candidates, environment))))
        }
        Found::Unknown(nearest) => {
            if let Some(artifact) = with_content(store, &paths)? {
                ui::say(format_args!(
                    "roar: nothing is recorded at {shown}; its content is known from elsewhere"
                ));
                return Ok(Target::Artifact(artifact));
            }
            let failure =
                CliError::new(Kind::User, format!("{shown} is no step, job, hash or path that is recorded"));
            Err(match nearest.is_empty() {
                true => failure.with_hint("`roar log` lists the jobs"),
                false => failure.with_hint(format!("nearest is:{}", list(&nearest, environment))),
            })
        }
    }
}

/// Returns the artifact that is at one of the paths, where no job has met it: a project that was moved, a file that was copied.
fn with_content(store: &Store, paths: &[PathBytes]) -> Result<Option<Artifact>, CliError> {
    for content in paths.iter().filter_map(|path| content_now(path.as_path())) {
        // Whoever has the file without bytes has nothing to ask about.
        if content.hash == NOTHING {
            continue;
        }
        let found = store.artifacts_by_prefix(&content.hash, CONTENTS_MAX)?;
        let is_it = |artifact: &Artifact| (artifact.kind == NodeKind::Symlink) == content.is_link;
        if let Some(artifact) = found.into_iter().find(is_it) {
            return Ok(Some(artifact));
        }
    }
    Ok(None)
}

/// Returns the job that the word stands for; without a word: the last one.
pub(super) fn find_job(
    store: &Store,
    word: Option<&OsStr>,
    environment: &Environment,
) -> Result<Job, CliError> {
    let Some(word) = word else {
        return store.last_job()?.ok_or_else(|| {
            CliError::new(Kind::User, "there is no job yet").with_hint("record one with `roar run CMD`")
        });
    };
    match find(store, word, environment)? {
        Target::Job(job) => Ok(job),
        Target::Artifact(_) | Target::Path(_) => {
            let shown = quote::word(word.as_encoded_bytes());
            Err(CliError::new(Kind::User, format!("{shown} is no job"))
                .with_hint(format!("`roar show {shown}` lists the jobs that used it")))
        }
    }
}

/// Returns a line for each candidate: what to type, and what that is.
fn list(candidates: &[Target], environment: &Environment) -> String {
    let line = |candidate: &Target| match candidate {
        Target::Job(job) => format!("\n  {}  @{} {}", job.id, job.step, command_line(&job.command)),
        Target::Artifact(artifact) => {
            format!("\n  {}  artifact by {}", short_hash(&artifact.hash), artifact.algorithm)
        }
        Target::Path(path) => {
            let shown = shown_path(environment, path);
            // A word of hexadecimal digits is a hash first.
            let prefix = if shown.contains('/') { "" } else { "./" };
            format!("\n  {prefix}{shown}")
        }
    };
    candidates.iter().map(line).collect()
}

/// Returns the recorded paths that a word can stand for, likeliest first: tracers record paths without links in
/// directories, but the last part may be a link of its own.
pub(super) fn paths(word: &Path, cwd: &Path) -> Vec<PathBytes> {
    if word.as_os_str().as_encoded_bytes().starts_with(OBJECTS) {
        return vec![PathBytes::from(word)];
    }
    let written = normal(&cwd.join(word));
    let in_real_directory = written
        .parent()
        .zip(written.file_name())
        .and_then(|(parent, name)| Some(parent.canonicalize().ok()?.join(name)));
    let real = written.canonicalize().ok();
    let mut paths = Vec::new();
    for path in [in_real_directory, real, Some(written)].into_iter().flatten() {
        let path = PathBytes::from(path.as_path());
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}
