WITH RECURSIVE found (job, seq, earlier_job, earlier_seq) AS (
    SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
    FROM path JOIN job_file ON job_file.job = path.last_job AND job_file.seq = path.last_seq
    WHERE path.path = ?1
    UNION ALL
    SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
    FROM found JOIN job_file ON job_file.job = found.earlier_job AND job_file.seq = found.earlier_seq
    LIMIT ?2
)
SELECT
    job_file.job, path.path, job_file.role, job_file.kind, job_file.is_read, job_file.is_written,
    job_file.is_executed, job_file.is_created, job_file.is_deleted, job_file.is_filtered, job_file.prior,
    origin.path, job_file.size_bytes, job_file.read_bytes, job_file.written_bytes, job_file.pids, job_file.note,
    artifact.id, artifact.algorithm, artifact.hash, previous.id, previous.algorithm, previous.hash,
    job_file.act, job_file.act_pid, job_file.act_ns, job_file.since_unix_ns
FROM found
    JOIN job_file ON job_file.job = found.job AND job_file.seq = found.seq
    JOIN path ON path.id = job_file.path
    LEFT JOIN path AS origin ON origin.id = job_file.renamed_from
    LEFT JOIN artifact ON artifact.id = job_file.artifact
    LEFT JOIN artifact AS previous ON previous.id = job_file.prior_artifact
ORDER BY job_file.job DESC, job_file.role, job_file.seq;
