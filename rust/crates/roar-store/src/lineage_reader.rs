//! Reading job by job what an artifact comes from, without reading the whole session.

use rusqlite::{OptionalExtension, Row, Statement, ToSql, params};
use tracer_schema::{PathBytes, Role};

use crate::error::Result;
use crate::file_rows::{SessionFile, read_use};
use crate::job_rows::row_limit;
use crate::model::{ArtifactKey, JobKey, PathKey};
use crate::row::Bytes;
use crate::sql;
use crate::store::Store;

/// Uses of a path that are looked through for the one that made it, where no hash says who did: a file that is written once and
/// then read by every step of a long session is found all the same.
const USES_MAX: usize = 10_000;

/// Answers who made what, by statements that are prepared once.
#[derive(Debug)]
pub struct LineageReader<'s> {
    store: &'s Store,
    uses_of_job: Statement<'s>,
    uses_of_path: Statement<'s>,
    links_of_job: Statement<'s>,
    made_at: Statement<'s>,
    made: Statement<'s>,
    made_meanwhile: Statement<'s>,
    made_unhashed: Statement<'s>,
    /// The file without bytes, which says nothing of where it comes from.
    nothing: Option<i64>,
}

impl Store {
    /// Returns a reader.
    pub fn lineage_reader(&self) -> Result<LineageReader<'_>> {
        let prepare = |statement| self.conn.prepare(statement).map_err(|source| self.failed(source));
        Ok(LineageReader {
            store: self,
            uses_of_job: prepare(sql::FILE_USES_OF_JOB)?,
            uses_of_path: prepare(sql::FILE_USES_OF_PATH)?,
            links_of_job: prepare(sql::LINK_LIST_OF_JOB)?,
            made_at: prepare(sql::JOB_MADE_AT)?,
            made: prepare(sql::JOB_MADE)?,
            made_meanwhile: prepare(sql::JOB_MADE_MEANWHILE)?,
            made_unhashed: prepare(sql::JOB_MADE_UNHASHED)?,
            nothing: self.nothing()?,
        })
    }
}

impl LineageReader<'_> {
    /// Returns the files of a job, in the order in which they were recorded.
    pub fn files(&mut self, job: JobKey) -> Result<Vec<SessionFile>> {
        let rows = self.uses_of_job.query_map([job.0], read_use);
        let rows = rows.and_then(Iterator::collect);
        rows.map_err(|source| self.store.failed(source))
    }

    /// Returns the symbolic links by which a job came to inputs.
    pub fn links(&mut self, job: JobKey) -> Result<Vec<(PathKey, PathBytes)>> {
        let read = |row: &Row<'_>| Ok((PathKey(row.get(0)?), row.get::<_, Bytes>(1)?.0));
        let rows = self.links_of_job.query_map([job.0], read);
        let rows = rows.and_then(Iterator::collect);
        rows.map_err(|source| self.store.failed(source))
    }

    /// Returns the newest job before that one which made the content at that path.
    pub fn maker_at(
        &mut self,
        artifact: ArtifactKey,
        path: PathKey,
        before: JobKey,
    ) -> Result<Option<JobKey>> {
        let found = first(&mut self.made_at, params![artifact.0, path.0, before.0]);
        found.map_err(|source| self.store.failed(source))
    }

    /// Returns the newest job before that one which made the content, wherever it was, and had started by that time, nanoseconds since
    /// 1970. Nobody is known to have made the file without bytes.
    pub fn maker(
        &mut self,
        artifact: ArtifactKey,
        before: JobKey,
        started_by_unix_ns: i64,
    ) -> Result<Option<JobKey>> {
        if self.nothing == Some(artifact.0) {
            return Ok(None);
        }
        let found = first(&mut self.made, params![artifact.0, before.0, started_by_unix_ns]);
        found.map_err(|source| self.store.failed(source))
    }

    /// Returns the first job recorded after that one which made the content at that path, had started by the one time and not ended
    /// before the other, nanoseconds since 1970.
    pub fn maker_meanwhile(
        &mut self,
        artifact: ArtifactKey,
        path: PathKey,
        after: JobKey,
        started_by_unix_ns: i64,
        ended_from_unix_ns: i64,
    ) -> Result<Option<JobKey>> {
        let values = params![artifact.0, path.0, after.0, started_by_unix_ns, ended_from_unix_ns];
        first(&mut self.made_meanwhile, values).map_err(|source| self.store.failed(source))
    }

    /// Returns the newest job before that one which made something at the path that was not hashed.
    pub fn unhashed_maker(&mut self, path: PathKey, before: JobKey) -> Result<Option<JobKey>> {
        let found = first(&mut self.made_unhashed, params![path.0, before.0]);
        found.map_err(|source| self.store.failed(source))
    }

    /// Returns the newest job before that one which wrote at the path, or removed what was there, whatever the content.
    pub fn writer(&mut self, path: PathKey, before: JobKey) -> Result<Option<SessionFile>> {
        let uses = self.uses(path, USES_MAX)?;
        Ok(uses.into_iter().find(|file| file.job < before && is_change(file)))
    }

    /// Returns what jobs did to a path, newest first, as many as `limit`. Files that lists leave out are not among them.
    pub fn uses(&mut self, path: PathKey, limit: usize) -> Result<Vec<SessionFile>> {
        let rows = self.uses_of_path.query_map(params![path.0, row_limit(limit)], read_use);
        let rows: rusqlite::Result<Vec<_>> = rows.and_then(Iterator::collect);
        let mut uses = rows.map_err(|source| self.store.failed(source))?;
        uses.retain(|file| !file.is_filtered);
        Ok(uses)
    }

    /// Returns the row of a path, if it has one.
    pub fn path_key(&self, path: &PathBytes) -> Result<Option<PathKey>> {
        let row = self.store.conn.query_row(sql::PATH_FIND, [path.as_bytes()], |row| row.get(0).map(PathKey));
        row.optional().map_err(|source| self.store.failed(source))
    }
}

fn first(statement: &mut Statement<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<Option<JobKey>> {
    let read = |row: &Row<'_>| row.get::<_, Option<i64>>(0);
    Ok(statement.query_row(values, read).optional()?.flatten().map(JobKey))
}

fn is_change(file: &SessionFile) -> bool {
    matches!(file.role, Role::Output | Role::Deleted)
}
