INSERT INTO process (
    job, seq, pid, parent, exe, argv, cwd, started_ns, ended_ns, exit_code, exit_signal, core_dumped
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);
