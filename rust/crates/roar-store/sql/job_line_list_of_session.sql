SELECT
    uuid, session, step, kind, state, command, started_unix_ns, duration_ns, exit_code, exit_signal, core_dumped,
    is_complete, inputs, outputs
FROM job
WHERE session = ?1
ORDER BY step;
