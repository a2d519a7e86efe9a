//! From rows to the graph.

use roar_dag::{Content, FileUse, Graph, JobRecord, Use};
use roar_store::{Error, Job, JobKey, SessionFile, SessionKey, Store};
use rustc_hash::FxHashMap;
use tracer_schema::{BLAKE3_OF_NOTHING, NodeKind, Prior, Role};

/// Returns the graph of a session and its jobs, in the order of their steps. Files that lists leave out are not in it.
///
/// # Errors
/// Those of the store.
pub fn of_session(store: &Store, session: SessionKey) -> Result<(Graph, Vec<Job>), Error> {
    let mut jobs = store.jobs_of_session(session, usize::MAX)?;
    jobs.reverse();
    let mut files: FxHashMap<JobKey, Vec<SessionFile>> = FxHashMap::default();
    for file in store.session_files(session)? {
        files.entry(file.job).or_default().push(file);
    }
    let record = |job: &Job| record_of(job, files.remove(&job.key).unwrap_or_default());
    let records: Vec<JobRecord> = jobs.iter().map(record).collect();
    Ok((Graph::from_records(&records), jobs))
}

/// Returns a job as the graph takes it.
pub fn record_of(job: &Job, files: Vec<SessionFile>) -> JobRecord {
    JobRecord {
        id: job.id.clone(),
        step: job.step,
        command: job.command.iter().map(|word| word.0.clone()).collect(),
        cwd: job.cwd.0.clone(),
        files: files.into_iter().filter_map(file_use).collect(),
    }
}

fn file_use(file: SessionFile) -> Option<FileUse> {
    let SessionFile { path, role, kind, prior, is_filtered, hash, prior_hash, .. } = file;
    if is_filtered {
        return None;
    }
    let content =
        |hash: Option<String>| hash.map(|hash| Content { hash, is_link: kind == NodeKind::Symlink });
    let usage = match (role, prior) {
        (Role::Input, _) => Use::Consumed(content(hash)),
        // Nothing is left of nothing: the shell has emptied the file for `> file`, before the run.
        (Role::Output, Some(Prior::Kept)) if prior_hash.as_deref() == Some(BLAKE3_OF_NOTHING) => {
            Use::Produced(content(hash))
        }
        (Role::Output, Some(Prior::Kept)) => {
            Use::Updated { before: content(prior_hash), after: content(hash) }
        }
        (Role::Output, Some(Prior::Replaced) | None) => Use::Produced(content(hash)),
        (Role::Deleted, _) => Use::Deleted,
        (Role::Temporary, _) => return None,
    };
    Some(FileUse { path: path.0, usage })
}
