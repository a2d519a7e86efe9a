SELECT
    uuid, session, step, kind, state, command, cwd, backend, tracer_mode, root_pid, started_unix_ns, duration_ns,
    exit_code, exit_signal, core_dumped, is_complete, events_lost, inputs, outputs, temporaries, deletions, filtered, id,
    rerun_of, began_unix_ns
FROM job
ORDER BY id DESC
LIMIT ?1;
