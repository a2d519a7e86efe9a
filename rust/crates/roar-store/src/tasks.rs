//! The tasks of a job.

use rusqlite::{Connection, params};
use tracer_schema::{Task, TaskUse};

use crate::error::Result;
use crate::job_rows::list;
use crate::model::JobKey;
use crate::row::{Bytes, Coded, Unsigned};
use crate::sql;
use crate::store::Store;

/// Adds the tasks of a job whose files are all there.
pub(crate) fn add_tasks(conn: &Connection, key: JobKey, tasks: &[Task]) -> rusqlite::Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let mut add = conn.prepare(sql::TASK_ADD)?;
    let mut add_file = conn.prepare(sql::TASK_FILE_ADD)?;
    for (seq, task) in (0_i64..).zip(tasks) {
        let Task { id, attempt, name, actor, node, worker, pid, started_ns, ended_ns, files } = task;
        let times = (Unsigned(*started_ns), ended_ns.map(Unsigned));
        add.execute(params![key.0, seq, id, attempt, name, actor, node, worker, pid, times.0, times.1])?;
        for TaskUse { file, path: _, role, is_shared, is_rewritten } in files {
            add_file.execute(params![key.0, seq, Unsigned(*file), Coded(*role), is_shared, is_rewritten])?;
        }
    }
    Ok(())
}

impl Store {
    /// Returns the tasks of a job, in the order in which they were told, with what each did to files.
    pub fn tasks(&self, key: JobKey) -> Result<Vec<Task>> {
        let failed = |source| self.failed(source);
        let mut tasks = list(&self.conn, sql::TASK_LIST, key, |row| {
            Ok(Task {
                id: row.get(0)?,
                attempt: row.get(1)?,
                name: row.get(2)?,
                actor: row.get(3)?,
                node: row.get(4)?,
                worker: row.get(5)?,
                pid: row.get(6)?,
                started_ns: row.get::<_, Unsigned>(7)?.0,
                ended_ns: row.get::<_, Option<Unsigned>>(8)?.map(|Unsigned(time)| time),
                files: Vec::new(),
            })
        })
        .map_err(failed)?;
        let uses = list(&self.conn, sql::TASK_FILE_LIST, key, |row| {
            let used = TaskUse {
                file: row.get::<_, Unsigned>(1)?.0,
                path: row.get::<_, Bytes>(2)?.0,
                role: row.get::<_, Coded<_>>(3)?.0,
                is_shared: row.get(4)?,
                is_rewritten: row.get(5)?,
            };
            Ok((row.get::<_, Unsigned>(0)?.0, used))
        })
        .map_err(failed)?;
        for (task, used) in uses {
            // A task is gone where somebody has damaged the database, which is not found out here.
            if let Some(task) = usize::try_from(task).ok().and_then(|task| tasks.get_mut(task)) {
                task.files.push(used);
            }
        }
        Ok(tasks)
    }
}
