//! Dropping what no kept session needs.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use tracer_schema::Role;

use crate::error::{Error, Result};
use crate::forget::without_references;
use crate::row::Coded;
use crate::sql;
use crate::store::Store;

/// What was dropped, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Sessions that had ended.
    pub sessions: u64,
    /// Jobs of those.
    pub jobs: u64,
    /// Jobs of those that stay, since a kept session uses what they made.
    pub needed_jobs: u64,
    /// Artifacts that no job names any more.
    pub artifacts: u64,
    /// Paths that no job names any more.
    pub paths: u64,
    /// Packages that no job names any more.
    pub packages: u64,
    /// Hashes remembered of contents that no job names.
    pub hashes: u64,
}

impl Store {
    /// Drops sessions that ended before a time, and whatever no job names that is left. Without a time, all sessions are kept.
    ///
    /// A job of such a session stays, and its session with it, where a kept one used what it made, or what was made of that.
    /// `is_dry`: nothing is changed, and the answer is what would be dropped.
    pub fn collect_garbage(&mut self, ended_before_unix_ns: Option<i64>, is_dry: bool) -> Result<Dropped> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        let dropped = collect(&transaction, ended_before_unix_ns).map_err(failed)?;
        if is_dry {
            transaction.rollback().map_err(failed)?;
        } else {
            transaction.commit().map_err(failed)?;
        }
        Ok(dropped)
    }

    /// Gives the file system back what the database does not use. It needs as much free space as the database has in use.
    pub fn vacuum(&self) -> Result<()> {
        self.conn.execute_batch(sql::VACUUM).map_err(|source| self.failed(source))?;
        self.fold_log();
        Ok(())
    }

    /// Returns the size of the database and its log. Bytes.
    pub fn size_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len()) + self.log_bytes()
    }
}

fn collect(conn: &Connection, ended_before_unix_ns: Option<i64>) -> rusqlite::Result<Dropped> {
    let candidates = match ended_before_unix_ns {
        Some(time) => jobs_ended_before(conn, time)?,
        None => BTreeSet::new(),
    };
    let needed = if candidates.is_empty() { BTreeSet::new() } else { needed(conn, &candidates)? };
    let mut delete = conn.prepare(sql::JOB_DELETE)?;
    let mut jobs = 0;
    for job in candidates.difference(&needed) {
        jobs += delete.execute([job])? as u64;
    }
    let count = |statement: &str| conn.execute(statement, params![]).map(|count| count as u64);
    let sessions = count(sql::GC_SESSION_DELETE)?;
    let (artifacts, paths, packages, hashes) = without_references(conn, || {
        let artifacts = count(sql::GC_ARTIFACT_DELETE)?;
        count(sql::GC_ARTIFACT_HASH_DELETE)?;
        count(sql::GC_PATCH_DELETE)?;
        count(sql::GC_LISTING_DELETE)?;
        let others =
            (count(sql::GC_PATH_DELETE)?, count(sql::GC_PACKAGE_DELETE)?, count(sql::GC_HASH_CACHE_DELETE)?);
        if jobs > 0 {
            conn.execute_batch(sql::GC_LISTS)?;
        }
        Ok((artifacts, others.0, others.1, others.2))
    })?;
    Ok(Dropped { sessions, jobs, needed_jobs: needed.len() as u64, artifacts, paths, packages, hashes })
}

fn jobs_ended_before(conn: &Connection, time_unix_ns: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let mut list = conn.prepare(sql::GC_SESSION_LIST)?;
    let ended: BTreeSet<i64> = list
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?
        .filter(|row| !matches!(row, Ok((_, ended)) if ended.is_none_or(|ended| ended >= time_unix_ns)))
        .map(|row| row.map(|(session, _)| session))
        .collect::<rusqlite::Result<_>>()?;
    let mut list = conn.prepare(sql::GC_JOB_LIST)?;
    let jobs = list.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let jobs = jobs.filter(|row| !matches!(row, Ok((_, session)) if !ended.contains(session)));
    jobs.map(|row| row.map(|(job, _)| job)).collect()
}

/// Returns those of the jobs that others use: they made an artifact that a later job took, which is kept.
fn needed(conn: &Connection, candidates: &BTreeSet<i64>) -> rusqlite::Result<BTreeSet<i64>> {
    let mut makers: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut taken: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut list = conn.prepare(sql::GC_FLOW_LIST)?;
    let mut rows = list.query([])?;
    while let Some(row) = rows.next()? {
        let (job, role): (i64, Role) = (row.get(0)?, row.get::<_, Coded<_>>(1)?.0);
        let (artifact, prior): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        let used = prior.into_iter().chain(artifact.filter(|_| role == Role::Input));
        if candidates.contains(&job) {
            taken.entry(job).or_default().extend(used);
            if role == Role::Output
                && let Some(artifact) = artifact
            {
                makers.entry(artifact).or_default().push(job);
            }
        } else {
            open.extend(used.map(|artifact| (artifact, job)));
        }
    }
    let mut needed = BTreeSet::new();
    let mut open: Vec<(i64, i64)> = open.into_iter().collect();
    while let Some((artifact, by)) = open.pop() {
        // A content that came up later is not what was taken.
        for maker in makers.get(&artifact).into_iter().flatten().filter(|maker| **maker < by) {
            if needed.insert(*maker) {
                open.extend(taken.get(maker).into_iter().flatten().map(|artifact| (*artifact, *maker)));
            }
        }
    }
    Ok(needed)
}
