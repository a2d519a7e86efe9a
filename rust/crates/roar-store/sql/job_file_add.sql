INSERT INTO job_file (
    job, seq, path, role, kind, is_read, is_written, is_executed, is_created, is_deleted, is_filtered, prior,
    renamed_from, size_bytes, read_bytes, written_bytes, pids, artifact, prior_artifact, note, path_job, path_seq,
    artifact_job, artifact_seq, prior_job, prior_seq, act, act_pid, act_ns,
    since_unix_ns
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,
    ?26, ?27, ?28, ?29, ?30
);
