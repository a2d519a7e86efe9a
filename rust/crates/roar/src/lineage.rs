//! From the store to the graph.

use std::collections::HashMap;

use roar_dag::{Content, FileUse, Graph, JobRecord, Use};
use roar_store::{Job, JobKey, SessionFile, SessionKey, Store};
use tracer_schema::{NodeKind, Prior, Role};

use crate::error::CliError;

/// Returns the graph of a session and its jobs, in the order of their steps. Files that lists leave out are not in it.
pub(crate) fn of_session(store: &Store, session: SessionKey) -> Result<(Graph, Vec<Job>), CliError> {
    let mut jobs = store.jobs_of_session(session, usize::MAX)?;
    jobs.reverse();
    let mut files: HashMap<JobKey, Vec<FileUse>> = HashMap::new();
    for file in store.session_files(session)? {
        let job = file.job;
        files.entry(job).or_default().extend(file_use(file));
    }
    let record = |job: &Job| JobRecord {
        id: job.id.clone(),
        step: job.step,
        command: job.command.iter().map(|word| word.0.clone()).collect(),
        cwd: job.cwd.0.clone(),
        files: files.remove(&job.key).unwrap_or_default(),
    };
    let records: Vec<JobRecord> = jobs.iter().map(record).collect();
    Ok((Graph::from_records(&records), jobs))
}

fn file_use(file: SessionFile) -> Option<FileUse> {
    let SessionFile { job: _, path_key: _, path, role, kind, prior, is_filtered, hash, prior_hash } = file;
    if is_filtered {
        return None;
    }
    let content =
        |hash: Option<String>| hash.map(|hash| Content { hash, is_link: kind == NodeKind::Symlink });
    let usage = match (role, prior) {
        (Role::Input, _) => Use::Consumed(content(hash)),
        (Role::Output, Some(Prior::Kept)) => {
            Use::Updated { before: content(prior_hash), after: content(hash) }
        }
        (Role::Output, Some(Prior::Replaced) | None) => Use::Produced(content(hash)),
        (Role::Deleted, _) => Use::Deleted,
        (Role::Temporary, _) => return None,
    };
    Some(FileUse { path: path.0, usage })
}
