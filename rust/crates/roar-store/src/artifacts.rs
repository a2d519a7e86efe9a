//! Reading artifacts.

use rusqlite::params;
use tracer_schema::{Hashes, NodeKind, PathBytes, Role, from_hex, to_hex};

use crate::error::Result;
use crate::job_rows::row_limit;
use crate::model::{ArtifactKey, Job, JobKey};
use crate::row::{Bytes, Coded, Unsigned};
use crate::sql;
use crate::store::Store;

/// Longest hash there is, bytes: that of SHA-512.
const HASH_BYTES_MAX: usize = 64;

/// A content that jobs read or wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The hash that names it, lowercase hex.
    pub hash: String,
    /// The algorithm of that hash.
    pub algorithm: String,
    /// Kind.
    pub kind: NodeKind,
    /// Length; `None` where only the hash of a version from before has been met. Bytes.
    pub size: Option<u64>,
    /// All its hashes.
    pub hashes: Hashes,
    /// Its row.
    pub key: ArtifactKey,
}

/// A place where an artifact was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactUse {
    /// The job.
    pub job: Job,
    /// Where the content was.
    pub path: PathBytes,
    /// What the file was to the job.
    pub role: Role,
    /// Whether this was the version from before an output was written.
    pub is_prior: bool,
}

impl Store {
    /// Returns the artifacts that have a hash, by any algorithm, that begins so; as many as `limit`.
    ///
    /// None for what is not lowercase hex.
    pub fn artifacts_by_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<Artifact>> {
        let Some((first, last)) = hash_range(prefix) else {
            return Ok(Vec::new());
        };
        let failed = |source| self.failed(source);
        let mut find = self.conn.prepare(sql::ARTIFACT_IDS_BY_PREFIX).map_err(failed)?;
        let rows =
            find.query_map(params![first, last, row_limit(limit)], |row| row.get(0)).map_err(failed)?;
        let keys = rows.collect::<rusqlite::Result<Vec<i64>>>().map_err(failed)?;
        keys.into_iter().map(|key| self.artifact(key)).collect()
    }

    /// Returns where an artifact was met, newest job first, as many as `limit`.
    pub fn artifact_uses(&self, artifact: &Artifact, limit: usize) -> Result<Vec<ArtifactUse>> {
        let failed = |source| self.failed(source);
        let mut find = self.conn.prepare(sql::ARTIFACT_USES).map_err(failed)?;
        let rows = find.query_map(params![artifact.key.0, row_limit(limit)], |row| {
            Ok((JobKey(row.get(0)?), row.get::<_, Bytes>(1)?.0, row.get::<_, Coded<Role>>(2)?.0, row.get(3)?))
        });
        let rows = rows.map_err(failed)?.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        let jobs = self.jobs_by_key(rows.iter().map(|(key, ..)| *key))?;
        let found = |(key, path, role, is_prior)| {
            Some(ArtifactUse { job: jobs.get(&key)?.clone(), path, role, is_prior })
        };
        Ok(rows.into_iter().filter_map(found).collect())
    }

    fn artifact(&self, key: i64) -> Result<Artifact> {
        let failed = |source| self.failed(source);
        let (algorithm, hash, kind, size) = self
            .conn
            .query_row(sql::ARTIFACT_GET, [key], |row| {
                let size = row.get::<_, Option<Unsigned>>(3)?.map(|Unsigned(size)| size);
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Coded<_>>(2)?.0, size))
            })
            .map_err(failed)?;
        let mut others = self.conn.prepare(sql::ARTIFACT_HASH_LIST).map_err(failed)?;
        let others = others.query_map([key], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)));
        let mut hashes = others.map_err(failed)?.collect::<rusqlite::Result<Hashes>>().map_err(failed)?;
        hashes.insert(&algorithm, &hash);
        Ok(Artifact { hash: to_hex(&hash), algorithm, kind, size, hashes, key: ArtifactKey(key) })
    }
}

/// Returns the least and the greatest hash that begin so.
fn hash_range(prefix: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if prefix.len() > HASH_BYTES_MAX * 2 {
        return None;
    }
    let is_odd = !prefix.len().is_multiple_of(2);
    let filled = |digit| from_hex(&if is_odd { format!("{prefix}{digit}") } else { prefix.to_owned() });
    let (first, mut last) = (filled('0')?, filled('f')?);
    last.resize(HASH_BYTES_MAX, 0xff);
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_odd_length_takes_in_both_halves_of_its_last_byte() {
        let (first, last) = hash_range("abc").unwrap();
        assert_eq!((&first[..], &last[..3]), (&[0xab, 0xc0][..], &[0xab, 0xcf, 0xff][..]));
        let (first, last) = hash_range("ffff").unwrap();
        assert_eq!((&first[..], last), (&[0xff, 0xff][..], vec![0xff; HASH_BYTES_MAX]));
        for bad in ["", "xyz", "AB", &"a".repeat(129)] {
            assert_eq!(hash_range(bad), None);
        }
    }
}
