//! Runs that were broken off (roar killed, machine halted): recorded later, as far as they were seen.

use std::fs;
use std::path::Path;
use std::time::Duration;

use roar_store::{JobContext, JobState, Store};
use tracer_host::{Recovery, recover};
use tracer_schema::PathBytes;

use crate::job::{Recording, record};
use crate::monitor::Silent;
use crate::options::{JobKind, Surroundings};
use crate::ray::{gather, keep};
use crate::repo::Repo;
use crate::run_dir::{RunDir, job_id};
use crate::tasks::TaskNames;
use crate::tracer::recover_journal;

/// A run that was broken off and found later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its command; empty where it is not known.
    pub command: Vec<PathBytes>,
    /// The job it became, if anything of it could be recorded.
    pub job: Option<String>,
}

/// Finds runs below `.roar/runs` whose roar is gone, records what is left of them, and clears them away.
///
/// One whose tracer still works is left alone until that has ended: the tracer holds the spool's lock no longer than it lives.
///
/// What a run has left on a cluster is taken as far as it has come; the rest may be fetched.
pub fn recover_interrupted(
    repo: &Repo,
    around: &Surroundings,
    store: &mut Store,
    filter: &roar_context::Filter,
) -> Vec<Recovered> {
    let Ok(entries) = fs::read_dir(repo.runs_dir()) else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| recover_one(repo, &entry.path(), around, store, filter)).collect()
}

fn recover_one(
    repo: &Repo,
    path: &Path,
    around: &Surroundings,
    store: &mut Store,
    filter: &roar_context::Filter,
) -> Option<Recovered> {
    let run_dir = RunDir::take_over(path)?;
    if tracer_host::is_spool_in_use(path) {
        return None;
    }
    if recover_journal(path, &around.programs) {
        return None;
    }
    let id = job_id(path);
    let known = id.as_ref().and_then(|id| store.jobs_by_prefix(id, 1).ok()?.pop());
    if known.as_ref().is_some_and(|job| job.state == JobState::Recorded) {
        // All that was left to do was to clear away.
        let _left = run_dir.remove();
        return None;
    }
    let meta = run_dir.read_meta().ok();
    let backend = meta.as_ref().map_or("ptrace", |meta| meta.backend.as_str());
    let detail = "roar was ended before it could record the run";
    let mut report = match recover(path, backend, detail) {
        Recovery::Report(report) | Recovery::Spool(report) => report,
        Recovery::Nothing => {
            // There was nothing in it; what cannot be removed is tried again next time.
            let _left = run_dir.remove();
            return meta.map(|_| Recovered { command: Vec::new(), job: None });
        }
    };
    let mut task_names = TaskNames::read(path);
    let gathered = gather(path, &mut report, &mut task_names, around, Duration::ZERO);
    task_names.add_gaps(&mut report.coverage);
    // Which names directories had when the run was over cannot be known any more.
    report.looked_up.forget_listings();
    let recording = Recording {
        // What was recorded in part stays, under that id.
        id: id.filter(|_| known.is_none()),
        replaced: None,
        kind: if meta.as_ref().is_some_and(|meta| meta.is_build) { JobKind::Build } else { JobKind::Run },
        rerun_of: None,
        began_unix_ns: run_dir.born_unix_ns(),
        filter,
        algorithms: meta
            .as_ref()
            .filter(|meta| meta.wants_hashes)
            .map(|_| &[roar_hash::Algorithm::Blake3][..]),
        context: JobContext {
            labels: meta.map(|meta| meta.labels).unwrap_or_default(),
            ..JobContext::default()
        },
        task_names,
        elsewhere: &gathered.elsewhere,
        monitor: &Silent,
    };
    let recorded = record(&report, &recording, Ok(store));
    let job = recorded.job.ok().map(|job| job.id);
    let is_kept =
        job.is_some() && gathered.is_unfinished && keep(&run_dir, repo, &report, &recorded.files).is_ok();
    if job.is_some() && !is_kept {
        // Recorded: should it stay, it is known by its id.
        let _left = run_dir.remove();
    }
    Some(Recovered { command: report.command, job })
}
