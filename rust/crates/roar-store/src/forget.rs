//! Forgetting the newest job.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, Statement, params};

use crate::error::{Error, Result};
use crate::model::{Job, JobKey};
use crate::sql;
use crate::store::Store;

impl Store {
    /// Forgets a job and the artifacts that no other job names.
    ///
    /// It is quick for the newest jobs: rows are taken out of the lists of their paths and artifacts, which are walked from
    /// their newest ends. [`Store::collect_garbage`] is for many.
    pub fn forget(&mut self, job: &Job) -> Result<()> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        forget(&transaction, job.key).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

/// Where a row of `job_file` stands in a list: what the list is of, and the row before this one.
struct Link {
    of: Option<i64>,
    before: (Option<i64>, Option<i64>),
}

impl Link {
    /// Reads it from the three columns that begin at that place.
    fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self { of: row.get(at)?, before: (row.get(at + 1)?, row.get(at + 2)?) })
    }
}

/// Takes rows out of one kind of list.
struct List<'c> {
    /// Where the row is the newest.
    drop_last: Statement<'c>,
    /// Where another comes after it.
    drop_other: Statement<'c>,
}

impl<'c> List<'c> {
    fn new(conn: &'c Connection, drop_last: &str, drop_other: &str) -> rusqlite::Result<Self> {
        Ok(Self { drop_last: conn.prepare(drop_last)?, drop_other: conn.prepare(drop_other)? })
    }

    fn drop_row(&mut self, job: JobKey, seq: i64, link: &Link) -> rusqlite::Result<()> {
        let Link { of: Some(of), before } = link else {
            return Ok(());
        };
        let values = params![of, job.0, seq, before.0, before.1];
        if self.drop_last.execute(values)? == 0 {
            self.drop_other.execute(values)?;
        }
        Ok(())
    }
}

pub(crate) fn forget(conn: &Connection, job: JobKey) -> rusqlite::Result<()> {
    let mut paths = List::new(conn, sql::PATH_DROP_LAST, sql::FILE_DROP_OF_PATH)?;
    let mut artifacts = List::new(conn, sql::ARTIFACT_DROP_LAST, sql::FILE_DROP_OF_ARTIFACT)?;
    let mut priors = List::new(conn, sql::ARTIFACT_DROP_LAST_PRIOR, sql::FILE_DROP_OF_PRIOR)?;
    let rows = conn
        .prepare(sql::FILE_LINKS_OF_JOB)?
        .query_map([job.0], |row| {
            Ok((row.get::<_, i64>(0)?, Link::read(row, 1)?, Link::read(row, 4)?, Link::read(row, 7)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    // From the end, so that what a row names as the one before it is there still.
    for (seq, path, artifact, prior) in &rows {
        paths.drop_row(job, *seq, path)?;
        artifacts.drop_row(job, *seq, artifact)?;
        priors.drop_row(job, *seq, prior)?;
    }
    conn.execute(sql::JOB_DELETE, [job.0])?;
    let named = rows.iter().flat_map(|(_, _, artifact, prior)| [artifact.of, prior.of]).flatten();
    without_references(conn, || {
        let mut delete = conn.prepare(sql::ARTIFACT_DELETE_UNUSED)?;
        let mut delete_hashes = conn.prepare(sql::ARTIFACT_HASH_DELETE)?;
        for artifact in named {
            if delete.execute([artifact])? > 0 {
                delete_hashes.execute([artifact])?;
            }
        }
        Ok(())
    })
}

/// Does something while references are not checked: no index says which rows refer to an artifact, and SQLite would read all of
/// them for each that is deleted.
pub(crate) fn without_references<T>(
    conn: &Connection,
    act: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let done = act();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    done
}
