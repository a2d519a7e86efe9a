INSERT INTO job (
    uuid, session, step, kind, state, command, cwd, backend, tracer_mode, root_pid, started_unix_ns, duration_ns,
    exit_code, exit_signal, core_dumped, is_complete, events_lost, events, overhead_ns, hash_algorithms,
    rerun_of, began_unix_ns
)
VALUES (
    ?1, ?2, ifnull(?20, (SELECT 1 + ifnull(max(step), 0) FROM job WHERE session = ?2)), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
    ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?21, ?22
)
RETURNING id, step;
