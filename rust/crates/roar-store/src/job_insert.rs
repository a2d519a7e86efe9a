//! The rows of one job, within a transaction.

use rusqlite::{Connection, Statement, params};
use tracer_schema::{FileRecord, PathBytes, ProcessRecord};
use uuid::Uuid;

use crate::content::Content;
use crate::model::{EnvUse, FileCounts, JobKey, JobState, NewJob};
use crate::packages::PackageStatements;
use crate::row::{Coded, Unsigned, exit_columns, list_blob, pids_blob};
use crate::sql;

/// A file that waits to be written.
#[derive(Debug)]
pub(crate) struct PendingFile {
    pub(crate) record: FileRecord,
    pub(crate) content: Option<Content>,
    pub(crate) prior_content: Option<Content>,
}

/// Adds the rows of a job that do not depend on its files. The job stands as interrupted.
pub(crate) fn add_job(conn: &Connection, id: &str, job: &NewJob) -> rusqlite::Result<(JobKey, u64)> {
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
    let (key, step) =
        conn.query_row(sql::JOB_ADD, values, |row| Ok((JobKey(row.get(0)?), row.get::<_, Unsigned>(1)?.0)))?;
    for (seq, fell_back) in (0_i64..).zip(&tracer.fell_back_from) {
        conn.execute(sql::JOB_FELL_BACK_ADD, params![key.0, seq, fell_back.backend, fell_back.reason])?;
    }
    for (name, value) in &context.labels {
        conn.execute(sql::JOB_LABEL_SET, params![key.0, name, value])?;
    }
    if let Some(git) = &context.git {
        let changed = list_blob(&git.changed_paths);
        let values =
            params![key.0, git.top_level.0, git.commit, git.branch, git.remote, git.is_dirty, changed];
        conn.execute(sql::JOB_GIT_ADD, values)?;
    }
    for (seq, gap) in (0_i64..).zip(&coverage.gaps) {
        let gap_path = gap.path.as_ref().map(PathBytes::as_bytes);
        conn.execute(sql::GAP_ADD, params![key.0, seq, Coded(gap.kind), gap.pid, gap_path, gap.detail])?;
    }
    add_processes(conn, key, processes)?;
    Ok((key, step))
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

/// Adds files, the first of which is that one of the job.
pub(crate) fn add_files(
    conn: &Connection,
    key: JobKey,
    first: i64,
    files: &[PendingFile],
) -> rusqlite::Result<()> {
    let mut paths = PathStatements::new(conn)?;
    let mut artifacts = ArtifactStatements::new(conn)?;
    let mut add = conn.prepare(sql::JOB_FILE_ADD)?;
    for (seq, PendingFile { record, content, prior_content }) in (first..).zip(files) {
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
            content.as_ref().map(|content| artifacts.intern(content, size)).transpose()
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

/// Gives paths their rows.
struct PathStatements<'c> {
    find: Statement<'c>,
    add: Statement<'c>,
}

impl<'c> PathStatements<'c> {
    fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { find: conn.prepare(sql::PATH_FIND)?, add: conn.prepare(sql::PATH_ADD)? })
    }

    fn intern(&mut self, path: &PathBytes) -> rusqlite::Result<i64> {
        match self.find.query_row([path.as_bytes()], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => self.add.insert([path.as_bytes()]),
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
        let Content { kind, algorithm, hash, others } = content;
        let size = size.map(Unsigned);
        let found: rusqlite::Result<(i64, bool)> =
            self.find.query_row(params![hash, algorithm, Coded(*kind)], |row| Ok((row.get(0)?, row.get(1)?)));
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
