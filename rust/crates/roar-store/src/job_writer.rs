//! Recording one job while its files are still being hashed.

use std::borrow::Borrow;
use std::mem;

use tracer_schema::{FileRecord, Lookups, ObjectRecord, Role, Task};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::forget::forget;
use crate::hash_cache::{self, CachedHash};
use crate::job_insert::{add_end, add_files, add_job, find_job};
use crate::lookups::add_lookups;
use crate::model::{EnvUse, FileCounts, Job, JobKey, JobState, NewJob, Package, RecordedJob};
use crate::objects::add_objects;
use crate::store::Store;
use crate::tasks::add_tasks;

/// Files that one transaction writes: about 50 ms of work, so that others who wait to record get their turn, and nearly
/// every job is written in one transaction, hence whole or not at all.
pub const ROWS_PER_TRANSACTION: usize = 8192;

/// A job that is being recorded.
///
/// Nothing is written before [`ROWS_PER_TRANSACTION`] files have come or the job is finished, and the lock is held only
/// while writing. A larger job takes several transactions: until the last it stands as [`JobState::Interrupted`], and
/// stays so if this process ends or the writer is dropped.
#[derive(Debug)]
pub struct JobWriter<'s, F> {
    store: &'s mut Store,
    id: String,
    job: NewJob,
    /// What was recorded of the job before, which this takes the place of.
    replaced: Option<Job>,
    /// Since the first transaction: the row, and the number within the session.
    begun: Option<(JobKey, u64)>,
    pending: Vec<F>,
    tasks: Vec<Task>,
    objects: Vec<ObjectRecord>,
    lookups: Lookups,
    hashes: Vec<CachedHash>,
    /// Files that have been written.
    written: i64,
    counts: FileCounts,
}

impl Store {
    /// Begins to record a job, of files that are given or lent.
    pub fn begin_job<F: Borrow<FileRecord>>(&mut self, job: NewJob) -> JobWriter<'_, F> {
        JobWriter {
            store: self,
            id: Uuid::now_v7().to_string(),
            job,
            replaced: None,
            begun: None,
            pending: Vec::new(),
            tasks: Vec::new(),
            objects: Vec::new(),
            lookups: Lookups::default(),
            hashes: Vec::new(),
            written: 0,
            counts: FileCounts::default(),
        }
    }

    /// Records a job whose files are all there.
    pub fn record_job(
        &mut self,
        job: NewJob,
        files: impl IntoIterator<Item = FileRecord>,
    ) -> Result<RecordedJob> {
        let mut writer = self.begin_job(job);
        for file in files {
            writer.file(file)?;
        }
        writer.finish()
    }
}

impl<F: Borrow<FileRecord>> JobWriter<'_, F> {
    /// Returns the job's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Gives the job an id that it is to have whoever records it. Before anything is written.
    pub fn set_id(&mut self, id: String) {
        self.id = id;
    }

    /// Has this take the place of what was recorded of the job before, under its id and its number. Before anything is written.
    ///
    /// Among the jobs it is the newest then: what it made is taken for newer than what was recorded meanwhile.
    pub fn replace(&mut self, replaced: Job) {
        self.id.clone_from(&replaced.id);
        self.replaced = Some(replaced);
    }

    /// Adds a file in one role.
    pub fn file(&mut self, record: F) -> Result<()> {
        count(&mut self.counts, record.borrow());
        self.pending.push(record);
        if self.pending.len() < ROWS_PER_TRANSACTION { Ok(()) } else { self.write(None) }
    }

    /// Remembers a hash for later runs, in the same transaction as the files.
    pub fn remember_hash(&mut self, hash: CachedHash) {
        self.hashes.push(hash);
    }

    /// Sets the tasks. They name files by their places in the order in which those are added, from 0.
    pub fn set_tasks(&mut self, tasks: Vec<Task>) {
        self.tasks = tasks;
    }

    /// Sets what is to be known of the objects of object stores beside their rows, which are added as files: they say where those stand.
    pub fn set_objects(&mut self, objects: Vec<ObjectRecord>) {
        self.objects = objects;
    }

    /// Sets what the job looked up.
    pub fn set_lookups(&mut self, lookups: Lookups) {
        self.lookups = lookups;
    }

    /// Sets the packages, which may be known only after the files.
    pub fn set_packages(&mut self, packages: Vec<Package>) {
        self.job.context.packages = packages;
    }

    /// Sets the environment that the job read.
    pub fn set_env(&mut self, env: Vec<EnvUse>) {
        self.job.context.env = env;
    }

    /// Writes what is left and marks the job as recorded.
    pub fn finish(self) -> Result<RecordedJob> {
        self.end(JobState::Recorded)
    }

    /// Writes what is left of a job that the user broke off, and leaves it marked as interrupted.
    pub fn interrupt(self) -> Result<RecordedJob> {
        self.end(JobState::Interrupted)
    }

    fn end(mut self, state: JobState) -> Result<RecordedJob> {
        self.write(Some(state))?;
        let Self { id, begun, counts, .. } = self;
        let (key, step) = begun.expect("the first transaction sets it");
        Ok(RecordedJob { key, id, step, counts })
    }

    /// Writes what is pending; with a state, also what comes last.
    fn write(&mut self, end: Option<JobState>) -> Result<()> {
        let path = self.store.path.clone();
        let transaction = self.store.write()?;
        let failed = |source| Error::sqlite(&path, source);
        let (key, step) = match self.begun {
            Some(begun) => {
                find_job(&transaction, begun.0).map_err(failed)?;
                begun
            }
            None => {
                if let Some(replaced) = &self.replaced {
                    forget(&transaction, replaced.key).map_err(failed)?;
                }
                let place = self.replaced.as_ref().map(|replaced| (replaced.session, replaced.step));
                add_job(&transaction, &self.id, &self.job, place).map_err(failed)?
            }
        };
        add_files(&transaction, key, self.written, &self.pending).map_err(failed)?;
        hash_cache::put(&transaction, &self.hashes).map_err(failed)?;
        if let Some(state) = end {
            add_tasks(&transaction, key, &self.tasks).map_err(failed)?;
            add_objects(&transaction, key, &self.objects).map_err(failed)?;
            add_lookups(&transaction, key, &self.lookups).map_err(failed)?;
            add_end(&transaction, key, &self.job, state, self.counts).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        self.begun = Some((key, step));
        self.written += mem::take(&mut self.pending).len() as i64;
        self.hashes.clear();
        Ok(())
    }
}

fn count(counts: &mut FileCounts, record: &FileRecord) {
    let counter = match record.role {
        _ if record.filtered => &mut counts.filtered,
        Role::Input => &mut counts.inputs,
        Role::Output => &mut counts.outputs,
        Role::Temporary => &mut counts.temporaries,
        Role::Deleted => &mut counts.deletions,
    };
    *counter += 1;
}
