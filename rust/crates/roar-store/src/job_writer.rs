//! Recording one job while its files are still being hashed.

use std::mem;

use rusqlite::{Connection, Statement, params};
use tracer_schema::{FileRecord, PathBytes, ProcessRecord, Role};
use uuid::Uuid;

use crate::content::Content;
use crate::error::{Error, Result};
use crate::hash_cache::{self, CachedHash};
use crate::model::{EnvUse, FileCounts, JobKey, JobState, NewJob, Package, RecordedJob};
use crate::packages::PackageStatements;
use crate::row::{Coded, Unsigned, exit_columns, list_blob, pids_blob};
use crate::sql;
use crate::store::Store;

/// Files that one transaction writes: about 50 ms of work, so that others who wait to record get their turn, and nearly
/// every job is written in one transaction, hence whole or not at all.
pub const ROWS_PER_TRANSACTION: usize = 8192;

/// A job that is being recorded.
///
/// Nothing is written before [`ROWS_PER_TRANSACTION`] files have come or the job is finished, and the lock is held only
/// while writing. A larger job takes several transactions: until the last it stands as [`JobState::Interrupted`], and
/// stays so if this process ends or the writer is dropped.
#[derive(Debug)]
pub struct JobWriter<'s> {
    store: &'s mut Store,
    id: String,
    job: NewJob,
    /// Since the first transaction: the row, and the number within the session.
    begun: Option<(JobKey, u64)>,
    pending: Vec<PendingFile>,
    hashes: Vec<CachedHash>,
    /// Files that have been written.
    written: i64,
    counts: FileCounts,
}

#[derive(Debug)]
struct PendingFile {
    record: FileRecord,
    content: Option<Content>,
    prior_content: Option<Content>,
}

impl Store {
    /// Begins to record a job.
    pub fn begin_job(&mut self, job: NewJob) -> JobWriter<'_> {
        JobWriter {
            store: self,
            id: Uuid::now_v7().to_string(),
            job,
            begun: None,
            pending: Vec::new(),
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

impl JobWriter<'_> {
    /// Returns the job's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a file in one role.
    pub fn file(&mut self, record: FileRecord) -> Result<()> {
        let content = |hashes| Content::from_hashes(record.kind, hashes);
        let (hash, prior_hash) = (record.hash.as_ref(), record.prior_hash.as_ref());
        let (content, prior_content) = (
            hash.map(content).transpose()?.flatten(),
            prior_hash.map(content).transpose()?.flatten(),
        );
        count(&mut self.counts, &record);
        self.pending.push(PendingFile {
            record,
            content,
            prior_content,
        });
        if self.pending.len() < ROWS_PER_TRANSACTION {
            Ok(())
        } else {
            self.write(None)
        }
    }

    /// Remembers a hash for later runs, in the same transaction as the files.
    pub fn remember_hash(&mut self, hash: CachedHash) {
        self.hashes.push(hash);
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
        let Self {
            store: _,
            id,
            job: _,
            begun,
            pending: _,
            hashes: _,
            written: _,
            counts,
        } = self;
        let (key, step) = begun.expect("the first transaction sets it");
        Ok(RecordedJob {
            key,
            id,
            step,
            counts,
        })
    }

    /// Writes what is pending; with a state, also what comes last.
    fn write(&mut self, end: Option<JobState>) -> Result<()> {
        let path = self.store.path.clone();
        let transaction = self.store.write()?;
        let failed = |source| Error::sqlite(&path, source);
        let (key, step) = match self.begun {
            Some(begun) => begun,
            None => add_job(&transaction, &self.id, &self.job).map_err(failed)?,
        };
        add_files(&transaction, key, self.written, &self.pending).map_err(failed)?;
        hash_cache::put(&transaction, &self.hashes).map_err(failed)?;
        if let Some(state) = end {
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

fn add_job(conn: &Connection, id: &str, job: &NewJob) -> rusqlite::Result<(JobKey, u64)> {
    let NewJob {
        kind,
        command,
        cwd,
        backend,
        root_pid,
        started_unix_ns,
        duration_ns,
        exit,
        coverage,
        processes,
        tracer,
        hash_algorithms,
        context,
    } = job;
    let session = open_session(conn, *started_unix_ns)?;
    let (exit_code, exit_signal, core_dumped) = exit_columns(*exit);
    let values = params![
        id,
        session,
        Coded(*kind),
        Coded(JobState::Interrupted),
        list_blob(command),
        cwd.0,
        backend,
        tracer.mode,
        root_pid,
        started_unix_ns,
        Unsigned(*duration_ns),
        exit_code,
        exit_signal,
        core_dumped,
        coverage.complete,
        Unsigned(coverage.events_lost),
        Unsigned(tracer.events),
        Unsigned(tracer.overhead_ns),
        hash_algorithms.join(" "),
    ];
    let (key, step) = conn.query_row(sql::JOB_ADD, values, |row| {
        Ok((JobKey(row.get(0)?), row.get::<_, Unsigned>(1)?.0))
    })?;
    for (seq, fell_back) in (0_i64..).zip(&tracer.fell_back_from) {
        conn.execute(
            sql::JOB_FELL_BACK_ADD,
            params![key.0, seq, fell_back.backend, fell_back.reason],
        )?;
    }
    for (name, value) in &context.labels {
        conn.execute(sql::JOB_LABEL_SET, params![key.0, name, value])?;
    }
    if let Some(git) = &context.git {
        let changed = list_blob(&git.changed_paths);
        let values = params![
            key.0,
            git.top_level.0,
            git.commit,
            git.branch,
            git.remote,
            git.is_dirty,
            changed
        ];
        conn.execute(sql::JOB_GIT_ADD, values)?;
    }
    for (seq, gap) in (0_i64..).zip(&coverage.gaps) {
        let gap_path = gap.path.as_ref().map(PathBytes::as_bytes);
        conn.execute(
            sql::GAP_ADD,
            params![key.0, seq, Coded(gap.kind), gap.pid, gap_path, gap.detail],
        )?;
    }
    add_processes(conn, key, processes)?;
    Ok((key, step))
}

/// Returns the session that is open, or opens one.
pub(crate) fn open_session(conn: &Connection, started_unix_ns: i64) -> rusqlite::Result<i64> {
    match conn.query_row(sql::SESSION_OPEN, [], |row| row.get(0)) {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            let id = Uuid::now_v7().to_string();
            conn.query_row(sql::SESSION_ADD, params![id, started_unix_ns], |row| row.get(0))
        }
        found => found,
    }
}

fn add_processes(conn: &Connection, key: JobKey, processes: &[ProcessRecord]) -> rusqlite::Result<()> {
    let mut paths = PathStatements::new(conn)?;
    let mut add = conn.prepare(sql::PROCESS_ADD)?;
    for (seq, process) in (0_i64..).zip(processes) {
        let ProcessRecord {
            pid,
            parent,
            exe,
            argv,
            cwd,
            started_ns,
            ended_ns,
            exit,
        } = process;
        let (exit_code, exit_signal, core_dumped) = exit_columns(*exit);
        add.execute(params![
            key.0,
            seq,
            pid,
            parent,
            paths.intern(exe)?,
            list_blob(argv),
            paths.intern(cwd)?,
            Unsigned(*started_ns),
            ended_ns.map(Unsigned),
            exit_code,
            exit_signal,
            core_dumped,
        ])?;
    }
    Ok(())
}

fn add_files(conn: &Connection, key: JobKey, first: i64, files: &[PendingFile]) -> rusqlite::Result<()> {
    let mut paths = PathStatements::new(conn)?;
    let mut artifacts = ArtifactStatements::new(conn)?;
    let mut add = conn.prepare(sql::JOB_FILE_ADD)?;
    for (
        seq,
        PendingFile {
            record,
            content,
            prior_content,
        },
    ) in (first..).zip(files)
    {
        let FileRecord {
            path,
            role,
            read,
            written,
            executed,
            created,
            deleted,
            prior,
            kind,
            renamed_from,
            bytes_read,
            bytes_written,
            pids,
            size,
            hash: _,
            prior_hash: _,
            filtered,
            note,
        } = record;
        let mut artifact = |content: &Option<Content>, size: Option<u64>| {
            content
                .as_ref()
                .map(|content| artifacts.intern(content, size))
                .transpose()
        };
        let (artifact, prior_artifact) = (artifact(content, *size)?, artifact(prior_content, None)?);
        add.execute(params![
            key.0,
            seq,
            paths.intern(path)?,
            Coded(*role),
            Coded(*kind),
            read,
            written,
            executed,
            created,
            deleted,
            filtered,
            prior.map(Coded),
            renamed_from.as_ref().map(|from| paths.intern(from)).transpose()?,
            size.map(Unsigned),
            bytes_read.map(Unsigned),
            bytes_written.map(Unsigned),
            pids_blob(pids),
            artifact,
            prior_artifact,
            note,
        ])?;
    }
    Ok(())
}

fn add_end(
    conn: &Connection,
    key: JobKey,
    job: &NewJob,
    state: JobState,
    counts: FileCounts,
) -> rusqlite::Result<()> {
    if !job.context.packages.is_empty() {
        let mut packages = PackageStatements::new(conn)?;
        let mut add = conn.prepare(sql::JOB_PACKAGE_ADD)?;
        for package in &job.context.packages {
            add.execute(params![key.0, packages.intern(package)?])?;
        }
    }
    if !job.context.env.is_empty() {
        let mut add = conn.prepare(sql::JOB_ENV_SET)?;
        for EnvUse {
            name,
            value,
            is_redacted,
        } in &job.context.env
        {
            add.execute(params![
                key.0,
                name.0,
                value.as_ref().map(PathBytes::as_bytes),
                is_redacted
            ])?;
        }
    }
    let FileCounts {
        inputs,
        outputs,
        temporaries,
        deletions,
        filtered,
    } = counts;
    let [inputs, outputs, temporaries, deletions, filtered] =
        [inputs, outputs, temporaries, deletions, filtered].map(Unsigned);
    let values = params![
        key.0,
        Coded(state),
        inputs,
        outputs,
        temporaries,
        deletions,
        filtered
    ];
    conn.execute(sql::JOB_FINISH, values)?;
    Ok(())
}

/// Gives paths their rows.
pub(crate) struct PathStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
}

impl<'c> PathStatements<'c> {
    pub(crate) fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: conn.prepare(sql::PATH_FIND)?,
            add: conn.prepare(sql::PATH_ADD)?,
        })
    }

    pub(crate) fn intern(&mut self, path: &PathBytes) -> rusqlite::Result<i64> {
        match self.find.query_row([path.as_bytes()], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                self.add.insert([path.as_bytes()])
            }
            found => found,
        }
    }
}

/// Gives contents their rows.
struct ArtifactStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
    set_size: Statement<'c>,
    add_hash: Statement<'c>,
}

impl<'c> ArtifactStatements<'c> {
    fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: conn.prepare(sql::ARTIFACT_FIND)?,
            add: conn.prepare(sql::ARTIFACT_ADD)?,
            set_size: conn.prepare(sql::ARTIFACT_SET_SIZE)?,
            add_hash: conn.prepare(sql::ARTIFACT_HASH_ADD)?,
        })
    }

    fn intern(&mut self, content: &Content, size: Option<u64>) -> rusqlite::Result<i64> {
        let Content {
            kind,
            algorithm,
            hash,
            others,
        } = content;
        let size = size.map(Unsigned);
        let found: rusqlite::Result<(i64, bool)> = self
            .find
            .query_row(params![hash, algorithm, Coded(*kind)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
        let id = match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                self.add.insert(params![hash, algorithm, Coded(*kind), size])?
            }
            Err(error) => return Err(error),
            Ok((id, true)) if size.is_some() => {
                self.set_size.execute(params![id, size])?;
                id
            }
            Ok((id, _)) => id,
        };
        for (algorithm, hash) in others {
            self.add_hash.execute(params![id, algorithm, hash])?;
        }
        Ok(id)
    }
}
