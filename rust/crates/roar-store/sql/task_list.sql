SELECT task, attempt, name, actor, node, worker, pid, started_ns, ended_ns FROM task WHERE job = ?1 ORDER BY seq;
