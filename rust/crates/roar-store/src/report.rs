//! Making the public report of a job anew.

use tracer_schema::report::RUN_REPORT_FORMAT;
use tracer_schema::{Coverage, FellBack, Gap, ProcessRecord, RunReport, TracerStats};

use crate::error::Result;
use crate::job_rows::list;
use crate::model::JobKey;
use crate::rfc3339::rfc3339;
use crate::row::{Bytes, Coded, List, Unsigned, exit_from_columns};
use crate::sql;
use crate::store::Store;

impl Store {
    /// Returns the report of a job, equal to the one that `roar run --report` wrote.
    pub fn report(&self, key: JobKey) -> Result<RunReport> {
        let failed = |source| self.failed(source);
        let job = self.job(key)?;
        let (events, overhead_ns) = self
            .conn
            .query_row(sql::JOB_TRACER, [key.0], |row| {
                Ok((row.get::<_, Unsigned>(0)?.0, row.get::<_, Unsigned>(1)?.0))
            })
            .map_err(failed)?;
        let fell_back_from = list(&self.conn, sql::JOB_FELL_BACK_LIST, key, |row| {
            Ok(FellBack { backend: row.get(0)?, reason: row.get(1)? })
        })
        .map_err(failed)?;
        Ok(RunReport {
            format: RUN_REPORT_FORMAT.to_owned(),
            backend: job.backend,
            command: job.command,
            cwd: job.cwd,
            root_pid: job.root_pid,
            started_at: rfc3339(job.started_unix_ns),
            duration_ns: job.duration_ns,
            exit: job.exit,
            coverage: Coverage {
                complete: job.is_complete,
                events_lost: job.events_lost,
                gaps: self.gaps(key)?,
            },
            processes: self.processes(key)?,
            files: self.files(key)?,
            tasks: self.tasks(key)?,
            objects: self.objects(key)?,
            looked_up: self.lookups(key)?,
            tracer: TracerStats { events, overhead_ns, fell_back_from, mode: job.tracer_mode },
        })
    }

    /// Returns what was not seen of a job.
    pub fn gaps(&self, key: JobKey) -> Result<Vec<Gap>> {
        list(&self.conn, sql::GAP_LIST, key, |row| {
            Ok(Gap {
                kind: row.get::<_, Coded<_>>(0)?.0,
                pid: row.get(1)?,
                path: row.get::<_, Option<Bytes>>(2)?.map(|Bytes(path)| path),
                detail: row.get(3)?,
            })
        })
        .map_err(|source| self.failed(source))
    }

    /// Returns the processes of a job, in the order of their start.
    pub fn processes(&self, key: JobKey) -> Result<Vec<ProcessRecord>> {
        list(&self.conn, sql::PROCESS_LIST, key, |row| {
            Ok(ProcessRecord {
                pid: row.get(0)?,
                parent: row.get(1)?,
                exe: row.get::<_, Bytes>(2)?.0,
                argv: row.get::<_, List>(3)?.0,
                cwd: row.get::<_, Bytes>(4)?.0,
                started_ns: row.get::<_, Unsigned>(5)?.0,
                ended_ns: row.get::<_, Option<Unsigned>>(6)?.map(|Unsigned(time)| time),
                exit: exit_from_columns((row.get(7)?, row.get(8)?, row.get(9)?)),
            })
        })
        .map_err(|source| self.failed(source))
    }
}
