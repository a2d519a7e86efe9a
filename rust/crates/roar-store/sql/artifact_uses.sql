WITH RECURSIVE now (job, seq, earlier_job, earlier_seq) AS (
    SELECT job_file.job, job_file.seq, job_file.artifact_job, job_file.artifact_seq
    FROM artifact JOIN job_file ON job_file.job = artifact.last_job AND job_file.seq = artifact.last_seq
    WHERE artifact.id = ?1
    UNION ALL
    SELECT job_file.job, job_file.seq, job_file.artifact_job, job_file.artifact_seq
    FROM now JOIN job_file ON job_file.job = now.earlier_job AND job_file.seq = now.earlier_seq
    LIMIT ?2
),
before (job, seq, earlier_job, earlier_seq) AS (
    SELECT job_file.job, job_file.seq, job_file.prior_job, job_file.prior_seq
    FROM artifact JOIN job_file ON job_file.job = artifact.last_prior_job AND job_file.seq = artifact.last_prior_seq
    WHERE artifact.id = ?1
    UNION ALL
    SELECT job_file.job, job_file.seq, job_file.prior_job, job_file.prior_seq
    FROM before JOIN job_file ON job_file.job = before.earlier_job AND job_file.seq = before.earlier_seq
    LIMIT ?2
)
SELECT job_file.job, path.path, job_file.role, FALSE AS is_prior
FROM now
    JOIN job_file ON job_file.job = now.job AND job_file.seq = now.seq
    JOIN path ON path.id = job_file.path
UNION ALL
SELECT job_file.job, path.path, job_file.role, TRUE
FROM before
    JOIN job_file ON job_file.job = before.job AND job_file.seq = before.seq
    JOIN path ON path.id = job_file.path
ORDER BY 1 DESC, 3, 2
LIMIT ?2;
