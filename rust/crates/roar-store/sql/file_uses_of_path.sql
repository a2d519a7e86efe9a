WITH RECURSIVE found (job, seq, earlier_job, earlier_seq) AS (
    SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
    FROM path CROSS JOIN job_file ON job_file.job = path.last_job AND job_file.seq = path.last_seq
    WHERE path.id = ?1
    UNION ALL
    SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
    FROM found CROSS JOIN job_file ON job_file.job = found.earlier_job AND job_file.seq = found.earlier_seq
    LIMIT ?2
)
SELECT job_file.job, job_file.path, path.path, job_file.role, job_file.kind, job_file.prior, job_file.is_filtered,
    artifact.hash, previous.hash, artifact.id, previous.id, job_file.is_executed, job_file.size_bytes,
    job_file.since_unix_ns
FROM found
    CROSS JOIN job_file ON job_file.job = found.job AND job_file.seq = found.seq
    JOIN path ON path.id = job_file.path
    LEFT JOIN artifact ON artifact.id = job_file.artifact
    LEFT JOIN artifact AS previous ON previous.id = job_file.prior_artifact
ORDER BY job_file.job DESC, job_file.seq DESC;
