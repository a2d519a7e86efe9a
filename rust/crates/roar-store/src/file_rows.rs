//! Reading the files of jobs.

use rusqlite::{Row, Statement, params};
use tracer_schema::{FileRecord, Hashes, NodeKind, PathBytes, Prior, Role};

use crate::error::Result;
use crate::job_rows::row_limit;
use crate::model::{ArtifactKey, Job, JobKey, PathKey};
use crate::objects::content_name;
use crate::row::{Bytes, Coded, Pids, Unsigned, act_from_columns};
use crate::sql;
use crate::store::Store;

/// A job that did something to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The job.
    pub job: Job,
    /// What it did.
    pub file: FileRecord,
}

/// A file of a job, as the lineage graph needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFile {
    /// The job.
    pub job: JobKey,
    /// Row of the path.
    pub path_key: PathKey,
    /// The path.
    pub path: PathBytes,
    /// What it was to the job.
    pub role: Role,
    /// Kind.
    pub kind: NodeKind,
    /// What became of the version from before.
    pub prior: Option<Prior>,
    /// Left out of lists.
    pub is_filtered: bool,
    /// What names the content: its hash, lowercase hex, or what an object store calls it.
    pub hash: Option<String>,
    /// What names the content from before.
    pub prior_hash: Option<String>,
    /// Row of the content.
    pub artifact: Option<ArtifactKey>,
    /// Row of the content from before.
    pub prior_artifact: Option<ArtifactKey>,
    /// It was executed.
    pub is_executed: bool,
    /// Length, bytes.
    pub size: Option<u64>,
    /// When the file from before had last been changed, nanoseconds since 1970.
    pub since_unix_ns: Option<i64>,
}

impl Store {
    /// Returns the files of a job, by path and role.
    pub fn files(&self, job: JobKey) -> Result<Vec<FileRecord>> {
        let failed = |source| self.failed(source);
        let algorithms: String =
            self.conn.query_row(sql::JOB_TRACER, [job.0], |row| row.get(2)).map_err(failed)?;
        let mut hashes = HashReader::new(self, &algorithms)?;
        let mut list = self.conn.prepare(sql::FILE_LIST_OF_JOB).map_err(failed)?;
        let rows = list.query_map([job.0], |row| read_file(row, &mut hashes)).map_err(failed)?;
        rows.map(|row| row.map(|(_, file)| file)).collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// Returns what jobs did to a path, newest first, as many as `limit`.
    pub fn touching(&self, path: &PathBytes, limit: usize) -> Result<Vec<Touch>> {
        let failed = |source| self.failed(source);
        let mut hashes = HashReader::new(self, "")?;
        let mut list = self.conn.prepare(sql::FILE_LIST_OF_PATH).map_err(failed)?;
        let values = params![path.as_bytes(), row_limit(limit)];
        let rows = list.query_map(values, |row| read_file(row, &mut hashes)).map_err(failed)?;
        let files = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        let jobs = self.jobs_by_key(files.iter().map(|(key, _)| *key))?;
        let touch = |(key, file)| Some(Touch { job: jobs.get(&key)?.clone(), file });
        Ok(files.into_iter().filter_map(touch).collect())
    }
}

/// Reads a file as the lineage graph needs it.
pub(crate) fn read_use(row: &Row<'_>) -> rusqlite::Result<SessionFile> {
    let kind = row.get::<_, Coded<NodeKind>>(4)?.0;
    let name = |hash: Option<&[u8]>| hash.map(|hash| content_name(kind, hash));
    Ok(SessionFile {
        job: JobKey(row.get(0)?),
        path_key: PathKey(row.get(1)?),
        path: row.get::<_, Bytes>(2)?.0,
        role: row.get::<_, Coded<_>>(3)?.0,
        kind,
        prior: row.get::<_, Option<Coded<_>>>(5)?.map(|Coded(prior)| prior),
        is_filtered: row.get(6)?,
        hash: name(row.get_ref(7)?.as_blob_or_null()?),
        prior_hash: name(row.get_ref(8)?.as_blob_or_null()?),
        artifact: row.get::<_, Option<i64>>(9)?.map(ArtifactKey),
        prior_artifact: row.get::<_, Option<i64>>(10)?.map(ArtifactKey),
        is_executed: row.get(11)?,
        size: row.get::<_, Option<Unsigned>>(12)?.map(|Unsigned(size)| size),
        since_unix_ns: row.get(13)?,
    })
}

/// Reads the hashes of an artifact: the one that names it, and those by the other algorithms that a job asked for.
struct HashReader<'s> {
    others: Statement<'s>,
    algorithms: Vec<String>,
}

impl<'s> HashReader<'s> {
    fn new(store: &'s Store, algorithms: &str) -> Result<Self> {
        Ok(Self {
            others: store.conn.prepare(sql::ARTIFACT_HASH_LIST).map_err(|source| store.failed(source))?,
            algorithms: algorithms.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// Reads them from the columns `id`, `algorithm` and `hash` that begin at that place.
    fn read(&mut self, row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Hashes>> {
        let Some(id) = row.get::<_, Option<i64>>(at)? else {
            return Ok(None);
        };
        let named: String = row.get(at + 1)?;
        let mut hashes = Hashes::new();
        if self.algorithms.iter().any(|algorithm| *algorithm != named) {
            let rows = self.others.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for other in rows {
                let (algorithm, hash): (String, Vec<u8>) = other?;
                if self.algorithms.contains(&algorithm) {
                    hashes.insert(&algorithm, &hash);
                }
            }
        }
        hashes.insert(&named, row.get_ref(at + 2)?.as_blob()?);
        Ok(Some(hashes))
    }
}

fn read_file(row: &Row<'_>, hashes: &mut HashReader<'_>) -> rusqlite::Result<(JobKey, FileRecord)> {
    let unsigned =
        |at| row.get::<_, Option<Unsigned>>(at).map(|number| number.map(|Unsigned(number)| number));
    let record = FileRecord {
        path: row.get::<_, Bytes>(1)?.0,
        role: row.get::<_, Coded<_>>(2)?.0,
        kind: row.get::<_, Coded<_>>(3)?.0,
        read: row.get(4)?,
        written: row.get(5)?,
        executed: row.get(6)?,
        created: row.get(7)?,
        deleted: row.get(8)?,
        filtered: row.get(9)?,
        prior: row.get::<_, Option<Coded<_>>>(10)?.map(|Coded(prior)| prior),
        renamed_from: row.get::<_, Option<Bytes>>(11)?.map(|Bytes(path)| path),
        size: unsigned(12)?,
        bytes_read: unsigned(13)?,
        bytes_written: unsigned(14)?,
        pids: row.get::<_, Pids>(15)?.0,
        note: row.get(16)?,
        hash: hashes.read(row, 17)?,
        prior_hash: hashes.read(row, 20)?,
        first: act_from_columns((row.get(23)?, row.get(24)?, row.get(25)?)),
        since_unix_ns: row.get(26)?,
    };
    let record = match record.kind {
        // What names it is no hash.
        NodeKind::Object => FileRecord { hash: None, prior_hash: None, ..record },
        NodeKind::File | NodeKind::Symlink => record,
    };
    Ok((JobKey(row.get(0)?), record))
}
