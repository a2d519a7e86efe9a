//! The rows of one job, within a transaction.

use std::borrow::Borrow;
use std::hash::{DefaultHasher, Hasher};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, Statement, params};
use tracer_schema::{FileRecord, Hashes, NodeKind, PathBytes, ProcessRecord};
use uuid::Uuid;

use crate::model::{EnvUse, FileCounts, JobKey, JobState, NewJob, Patch, SessionKey, Stream};
use crate::packages::PackageStatements;
use crate::row::{Coded, Unsigned, act_columns, exit_columns, list_blob, pids_blob};
use crate::sql;

/// Adds the rows of a job that do not depend on its files. The job stands as interrupted.
///
/// `place` is the session and the number in it that it is to have; without it, the next one of the session that is open.
pub(crate) fn add_job(
    conn: &Connection,
    id: &str,
    job: &NewJob,
    place: Option<(SessionKey, u64)>,
) -> rusqlite::Result<(JobKey, u64)> {
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
        rerun_of,
        began_unix_ns,
    } = job;
    let (session, step) = match place {
        Some((session, step)) => (session.0, Some(Unsigned(step))),
        None => (open_session(conn, *started_unix_ns)?, None),
    };
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
        step,
        rerun_of,
        began_unix_ns,
    ];
    let (key, step) = conn
        .prepare(sql::JOB_ADD)?
        .query_row(values, |row| Ok((JobKey(row.get(0)?), row.get::<_, Unsigned>(1)?.0)))?;
    for (seq, fell_back) in (0_i64..).zip(&tracer.fell_back_from) {
        conn.execute(sql::JOB_FELL_BACK_ADD, params![key.0, seq, fell_back.backend, fell_back.reason])?;
    }
    for (name, value) in &context.labels {
        conn.execute(sql::JOB_LABEL_SET, params![key.0, name, value])?;
    }
    if let Some(git) = &context.git {
        let (patch, patch_note) = match &context.patch {
            None => (None, None),
            Some(Patch::Kept(text)) => (Some(patch_row(conn, text)?), None),
            Some(Patch::Left(reason)) => (None, Some(reason)),
        };
        let changed = list_blob(&git.changed_paths);
        let values = params![
            key.0,
            git.top_level.0,
            git.commit,
            git.branch,
            git.remote,
            git.is_dirty,
            changed,
            patch,
            patch_note
        ];
        conn.execute(sql::JOB_GIT_ADD, values)?;
    }
    for Stream { fd, kind, path, is_append } in &context.streams {
        let path = path.as_ref().map(PathBytes::as_bytes);
        conn.execute(sql::JOB_STREAM_ADD, params![key.0, fd, Coded(*kind), path, is_append])?;
    }
    for (seq, gap) in (0_i64..).zip(&coverage.gaps) {
        let gap_path = gap.path.as_ref().map(PathBytes::as_bytes);
        conn.execute(sql::GAP_ADD, params![key.0, seq, Coded(gap.kind), gap.pid, gap_path, gap.detail])?;
    }
    add_processes(conn, key, processes)?;
    Ok((key, step))
}

/// Returns the row of a patch: jobs that run with the same changes share it.
fn patch_row(conn: &Connection, text: &[u8]) -> rusqlite::Result<i64> {
    let mut hasher = DefaultHasher::new();
    hasher.write(text);
    let digest = hasher.finish().cast_signed();
    match conn.query_row(sql::PATCH_FIND, params![digest, text], |row| row.get(0)) {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            conn.prepare(sql::PATCH_ADD)?.insert(params![digest, text])
        }
        found => found,
    }
}

/// Returns the session that is open, or opens one.
fn open_session(conn: &Connection, started_unix_ns: i64) -> rusqlite::Result<i64> {
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
        let ProcessRecord { pid, parent, exe, argv, cwd, started_ns, ended_ns, exit } = process;
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

/// Fails where the job is gone that an earlier transaction has added.
pub(crate) fn find_job(conn: &Connection, key: JobKey) -> rusqlite::Result<()> {
    conn.query_row(sql::JOB_IS_THERE, [key.0], |_| Ok(()))
}

/// Adds files to a job that is there; the first of them is that one of the job.
pub(crate) fn add_files<F: Borrow<FileRecord>>(
    conn: &Connection,
    key: JobKey,
    first: i64,
    files: &[F],
) -> rusqlite::Result<()> {
    // What these rows refer to has just been found or added, in this transaction. To look for it again, for every reference of
    // every row, is an eighth of the work.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let added = add_referring_rows(conn, key, first, files);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    added
}

fn add_referring_rows<F: Borrow<FileRecord>>(
    conn: &Connection,
    key: JobKey,
    first: i64,
    files: &[F],
) -> rusqlite::Result<()> {
    let mut paths = PathStatements::new(conn)?;
    let mut artifacts = ArtifactStatements::new(conn)?;
    let mut add = conn.prepare(sql::JOB_FILE_ADD)?;
    for (seq, record) in (first..).zip(files) {
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
            hash,
            prior_hash,
            filtered,
            note,
            first,
            since_unix_ns,
        } = record.borrow();
        let act = act_columns(*first);
        let here = Place { job: key.0, seq };
        let (path, path_before) = paths.append(path, here)?;
        let mut append = |hashes: &Option<Hashes>, size: Option<u64>, list: List| match hashes {
            Some(hashes) => artifacts.append(*kind, hashes, size, list, here),
            None => Ok(None),
        };
        let (artifact, artifact_before) = append(hash, *size, List::Current)?.unzip();
        let (prior_artifact, prior_before) = append(prior_hash, None, List::Prior)?.unzip();
        let [path_before, artifact_before, prior_before] =
            [path_before, artifact_before.flatten(), prior_before.flatten()].map(Place::columns);
        add.execute(params![
            here.job,
            here.seq,
            path,
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
            path_before.0,
            path_before.1,
            artifact_before.0,
            artifact_before.1,
            prior_before.0,
            prior_before.1,
            act.0,
            act.1,
            act.2,
            since_unix_ns,
        ])?;
    }
    Ok(())
}

/// Adds what is known last, and sets the state.
pub(crate) fn add_end(
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
        for EnvUse { name, value, is_redacted } in &job.context.env {
            add.execute(params![key.0, name.0, value.as_ref().map(PathBytes::as_bytes), is_redacted])?;
        }
    }
    let FileCounts { inputs, outputs, temporaries, deletions, filtered } = counts;
    let [inputs, outputs, temporaries, deletions, filtered] =
        [inputs, outputs, temporaries, deletions, filtered].map(Unsigned);
    let values = params![key.0, Coded(state), inputs, outputs, temporaries, deletions, filtered];
    conn.execute(sql::JOB_FINISH, values)?;
    Ok(())
}

/// A row of `job_file`.
#[derive(Clone, Copy)]
struct Place {
    job: i64,
    seq: i64,
}

impl Place {
    /// Reads it from the two columns that begin at that place.
    fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Self>> {
        let job: Option<i64> = row.get(at)?;
        job.map(|job| Ok(Self { job, seq: row.get(at + 1)? })).transpose()
    }

    fn columns(place: Option<Self>) -> (Option<i64>, Option<i64>) {
        place.map(|Self { job, seq }| (job, seq)).unzip()
    }
}

/// Gives paths their rows.
pub(crate) struct PathStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
    set_last: Statement<'c>,
}

impl<'c> PathStatements<'c> {
    pub(crate) fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: conn.prepare(sql::PATH_FIND)?,
            add: conn.prepare(sql::PATH_ADD)?,
            set_last: conn.prepare(sql::PATH_SET_LAST)?,
        })
    }

    pub(crate) fn intern(&mut self, path: &PathBytes) -> rusqlite::Result<i64> {
        self.find_or_add(path).map(|(id, _)| id)
    }

    /// Returns the row of a path, and which row of the path was the newest before this one.
    fn append(&mut self, path: &PathBytes, here: Place) -> rusqlite::Result<(i64, Option<Place>)> {
        let (id, before) = self.find_or_add(path)?;
        self.set_last.execute(params![id, here.job, here.seq])?;
        Ok((id, before))
    }

    fn find_or_add(&mut self, path: &PathBytes) -> rusqlite::Result<(i64, Option<Place>)> {
        match self.find.query_row([path.as_bytes()], |row| Ok((row.get(0)?, Place::read(row, 1)?))) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok((self.add.insert([path.as_bytes()])?, None)),
            found => found,
        }
    }
}

/// The two lists of an artifact.
enum List {
    /// Rows whose content it is.
    Current,
    /// Rows whose content it was before.
    Prior,
}

/// Gives contents their rows.
struct ArtifactStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
    set_size: Statement<'c>,
    set_last: Statement<'c>,
    set_last_prior: Statement<'c>,
    add_hash: Statement<'c>,
}

impl<'c> ArtifactStatements<'c> {
    fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: conn.prepare(sql::ARTIFACT_FIND)?,
            add: conn.prepare(sql::ARTIFACT_ADD)?,
            set_size: conn.prepare(sql::ARTIFACT_SET_SIZE)?,
            set_last: conn.prepare(sql::ARTIFACT_SET_LAST)?,
            set_last_prior: conn.prepare(sql::ARTIFACT_SET_LAST_PRIOR)?,
            add_hash: conn.prepare(sql::ARTIFACT_HASH_ADD)?,
        })
    }

    /// Returns the row of a content, and which row of that list was the newest before this one; `None` where there is no hash.
    ///
    /// A link's content is its target, and no file with the same bytes.
    fn append(
        &mut self,
        kind: NodeKind,
        hashes: &Hashes,
        size: Option<u64>,
        list: List,
        here: Place,
    ) -> rusqlite::Result<Option<(i64, Option<Place>)>> {
        let mut others = hashes.iter();
        let Some((algorithm, hash)) = others.next() else {
            return Ok(None);
        };
        let size = size.map(Unsigned);
        let (set_last, columns) = match list {
            List::Current => (&mut self.set_last, 2),
            List::Prior => (&mut self.set_last_prior, 4),
        };
        let found = self.find.query_row(params![hash, algorithm, Coded(kind)], |row| {
            let has_size = row.get::<_, Option<Unsigned>>(1)?.is_some();
            Ok((row.get(0)?, has_size, Place::read(row, columns)?))
        });
        let (id, before) = match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                (self.add.insert(params![hash, algorithm, Coded(kind), size])?, None)
            }
            Err(error) => return Err(error),
            Ok((id, has_size, before)) => {
                if !has_size && size.is_some() {
                    self.set_size.execute(params![id, size])?;
                }
                (id, before)
            }
        };
        for (algorithm, hash) in others {
            self.add_hash.execute(params![id, algorithm, hash])?;
        }
        set_last.execute(params![id, here.job, here.seq])?;
        Ok(Some((id, before)))
    }
}
