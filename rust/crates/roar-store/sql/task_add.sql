INSERT INTO task (job, seq, task, attempt, name, actor, node, worker, pid, started_ns, ended_ns)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);
