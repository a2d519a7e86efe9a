//! Reading sessions and jobs.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use tracer_schema::Pid;

use crate::error::{Error, Result};
use crate::model::{
    EnvUse, FileCounts, GitState, Job, JobContext, JobKey, JobLine, Package, Patch, Session, SessionKey,
    Stream,
};
use crate::row::{Bytes, Coded, List, Unsigned, exit_from_columns};
use crate::sql;
use crate::store::Store;

impl Store {
    /// Returns the open session; `None` before the first job.
    pub fn session(&self) -> Result<Option<Session>> {
        let read = |row: &Row<'_>| {
            Ok(Session {
                key: SessionKey(row.get(0)?),
                id: row.get(1)?,
                started_unix_ns: row.get(2)?,
                ended_unix_ns: row.get(3)?,
                jobs: row.get::<_, Unsigned>(4)?.0,
            })
        };
        self.conn.query_row(sql::SESSION_GET, [], read).optional().map_err(|source| self.failed(source))
    }

    /// Returns jobs of all sessions, newest first, as many as `limit`.
    pub fn jobs(&self, limit: usize) -> Result<Vec<Job>> {
        self.job_list(sql::JOB_LIST, params![row_limit(limit)])
    }

    /// Tells a line for each job of all sessions, newest first, as many as `limit`, as long as they are asked for.
    pub fn each_job_line<E: From<Error>>(
        &self,
        limit: usize,
        tell: impl FnMut(JobLine<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        self.tell_lines(sql::JOB_LINE_LIST, params![row_limit(limit)], tell)
    }

    /// Tells a line for each job of a session, from the first on, as long as they are asked for.
    pub fn each_job_line_of_session<E: From<Error>>(
        &self,
        session: SessionKey,
        tell: impl FnMut(JobLine<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        self.tell_lines(sql::JOB_LINE_LIST_OF_SESSION, params![session.0], tell)
    }

    fn tell_lines<E: From<Error>>(
        &self,
        statement: &str,
        values: &[&dyn ToSql],
        mut tell: impl FnMut(JobLine<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        let failed = |source| self.failed(source);
        let mut list = self.conn.prepare(statement).map_err(failed)?;
        let mut rows = list.query(values).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !tell(read_line(row).map_err(failed)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns jobs of a session, newest first, as many as `limit`.
    pub fn jobs_of_session(&self, session: SessionKey, limit: usize) -> Result<Vec<Job>> {
        self.job_list(sql::JOB_LIST_OF_SESSION, params![session.0, row_limit(limit)])
    }

    /// Returns jobs whose id begins so, newest first, as many as `limit`.
    pub fn jobs_by_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Job>> {
        let keys = self.job_keys(sql::JOB_IDS_BY_PREFIX, params![prefix, row_limit(limit)])?;
        self.jobs_at(&keys)
    }

    /// Returns the job with that number in the open session.
    pub fn job_by_step(&self, step: u64) -> Result<Option<Job>> {
        let keys = self.job_keys(sql::JOB_ID_BY_STEP, params![Unsigned(step)])?;
        Ok(self.jobs_at(&keys)?.pop())
    }

    /// Returns the newest job of the open session.
    pub fn last_job(&self) -> Result<Option<Job>> {
        match self.session()? {
            Some(session) => Ok(self.jobs_of_session(session.key, 1)?.pop()),
            None => Ok(None),
        }
    }

    /// Returns the job in that row.
    pub fn job(&self, key: JobKey) -> Result<Job> {
        let mut jobs = self.jobs_at(&[key])?;
        jobs.pop().ok_or_else(|| self.bad_row(format!("no job {}", key.0)))
    }

    /// Returns what surrounded a job.
    pub fn context(&self, key: JobKey) -> Result<JobContext> {
        read_context(&self.conn, key).map_err(|source| self.failed(source))
    }

    /// Returns the state of the git repository around a job.
    pub fn git(&self, key: JobKey) -> Result<Option<GitState>> {
        read_git(&self.conn, key).map_err(|source| self.failed(source))
    }

    fn job_list(&self, statement: &str, values: &[&dyn ToSql]) -> Result<Vec<Job>> {
        let failed = |source| self.failed(source);
        let mut list = self.conn.prepare(statement).map_err(failed)?;
        let rows = list.query_map(values, read_job).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn job_keys(&self, statement: &str, values: &[&dyn ToSql]) -> Result<Vec<JobKey>> {
        let failed = |source| self.failed(source);
        let mut find = self.conn.prepare(statement).map_err(failed)?;
        let rows = find.query_map(values, |row| row.get(0).map(JobKey)).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// Returns the jobs in those rows, by row. One that has been forgotten since is not among them.
    pub(crate) fn jobs_by_key(&self, keys: impl Iterator<Item = JobKey>) -> Result<HashMap<JobKey, Job>> {
        let keys: BTreeSet<JobKey> = keys.collect();
        let keys: Vec<JobKey> = keys.into_iter().collect();
        Ok(self.jobs_at(&keys)?.into_iter().map(|job| (job.key, job)).collect())
    }

    fn jobs_at(&self, keys: &[JobKey]) -> Result<Vec<Job>> {
        let failed = |source| self.failed(source);
        let mut get = self.conn.prepare(sql::JOB_GET).map_err(failed)?;
        let mut jobs = Vec::with_capacity(keys.len());
        for key in keys {
            // A job may have been forgotten since the keys were read.
            let job = get.query_row([key.0], read_job).optional().map_err(failed)?;
            jobs.extend(job);
        }
        Ok(jobs)
    }
}

/// Returns the number of rows for SQL, where a negative one would mean all.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let unsigned = |at| row.get(at).map(|Unsigned(number)| number);
    Ok(Job {
        key: JobKey(row.get(22)?),
        id: row.get(0)?,
        session: SessionKey(row.get(1)?),
        step: unsigned(2)?,
        kind: row.get::<_, Coded<_>>(3)?.0,
        state: row.get::<_, Coded<_>>(4)?.0,
        command: row.get::<_, List>(5)?.0,
        cwd: row.get::<_, Bytes>(6)?.0,
        backend: row.get(7)?,
        tracer_mode: row.get(8)?,
        root_pid: row.get::<_, Pid>(9)?,
        started_unix_ns: row.get(10)?,
        duration_ns: unsigned(11)?,
        exit: exit_from_columns((row.get(12)?, row.get(13)?, row.get(14)?)),
        is_complete: row.get(15)?,
        events_lost: unsigned(16)?,
        counts: FileCounts {
            inputs: unsigned(17)?,
            outputs: unsigned(18)?,
            temporaries: unsigned(19)?,
            deletions: unsigned(20)?,
            filtered: unsigned(21)?,
        },
        rerun_of: row.get(23)?,
        began_unix_ns: row.get(24)?,
    })
}

fn read_line<'r>(row: &'r Row<'_>) -> rusqlite::Result<JobLine<'r>> {
    let unsigned = |at| row.get(at).map(|Unsigned(number)| number);
    Ok(JobLine {
        id: row.get_ref(0)?.as_str()?,
        session: SessionKey(row.get(1)?),
        step: unsigned(2)?,
        kind: row.get::<_, Coded<_>>(3)?.0,
        state: row.get::<_, Coded<_>>(4)?.0,
        command: row.get_ref(5)?.as_blob()?,
        started_unix_ns: row.get(6)?,
        duration_ns: unsigned(7)?,
        exit: exit_from_columns((row.get(8)?, row.get(9)?, row.get(10)?)),
        is_complete: row.get(11)?,
        inputs: unsigned(12)?,
        outputs: unsigned(13)?,
    })
}

fn read_context(conn: &Connection, key: JobKey) -> rusqlite::Result<JobContext> {
    let labels = list(conn, sql::JOB_LABEL_LIST, key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let git = read_git(conn, key)?;
    let packages = list(conn, sql::JOB_PACKAGE_LIST, key, |row| {
        Ok(Package {
            kind: row.get::<_, Coded<_>>(0)?.0,
            name: row.get(1)?,
            version: row.get(2)?,
            arch: row.get(3)?,
        })
    })?;
    let env = list(conn, sql::JOB_ENV_LIST, key, |row| {
        Ok(EnvUse {
            name: row.get::<_, Bytes>(0)?.0,
            value: row.get::<_, Option<Bytes>>(1)?.map(|Bytes(value)| value),
            is_redacted: row.get(2)?,
        })
    })?;
    let patch = list(conn, sql::JOB_PATCH_GET, key, |row| {
        let (text, note) = (row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<String>>(1)?);
        Ok(text.map(Patch::Kept).or(note.map(Patch::Left)))
    })?
    .pop()
    .flatten();
    let streams = list(conn, sql::JOB_STREAM_LIST, key, |row| {
        Ok(Stream {
            fd: row.get(0)?,
            kind: row.get::<_, Coded<_>>(1)?.0,
            path: row.get::<_, Option<Bytes>>(2)?.map(|Bytes(path)| path),
            is_append: row.get(3)?,
        })
    })?;
    Ok(JobContext { labels, git, patch, streams, packages, env })
}

fn read_git(conn: &Connection, key: JobKey) -> rusqlite::Result<Option<GitState>> {
    let mut found = list(conn, sql::JOB_GIT_GET, key, |row| {
        Ok(GitState {
            top_level: row.get::<_, Bytes>(0)?.0,
            commit: row.get(1)?,
            branch: row.get(2)?,
            remote: row.get(3)?,
            is_dirty: row.get(4)?,
            changed_paths: row.get::<_, List>(5)?.0,
        })
    })?;
    Ok(found.pop())
}

/// Returns the rows of a statement whose one parameter is a job.
pub(crate) fn list<T>(
    conn: &Connection,
    statement: &str,
    key: JobKey,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    conn.prepare(statement)?.query_map([key.0], read)?.collect()
}
