SELECT
    job_file.job, path.path, job_file.role, job_file.kind, job_file.is_read, job_file.is_written,
    job_file.is_executed, job_file.is_created, job_file.is_deleted, job_file.is_filtered, job_file.prior,
    origin.path, job_file.size_bytes, job_file.read_bytes, job_file.written_bytes, job_file.pids, job_file.note,
    artifact.id, artifact.algorithm, artifact.hash, previous.id, previous.algorithm, previous.hash,
    job_file.act, job_file.act_pid, job_file.act_ns, job_file.since_unix_ns
FROM job_file
    JOIN path ON path.id = job_file.path
    LEFT JOIN path AS origin ON origin.id = job_file.renamed_from
    LEFT JOIN artifact ON artifact.id = job_file.artifact
    LEFT JOIN artifact AS previous ON previous.id = job_file.prior_artifact
WHERE job_file.job = ?1 AND job_file.kind <> 2
ORDER BY path.path, job_file.role, job_file.seq;
