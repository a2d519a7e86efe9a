UPDATE job_file SET prior_job = ?4, prior_seq = ?5
WHERE (job, seq) = (
    WITH RECURSIVE found (job, seq, earlier_job, earlier_seq) AS (
        SELECT job_file.job, job_file.seq, job_file.prior_job, job_file.prior_seq
        FROM artifact JOIN job_file ON job_file.job = artifact.last_prior_job AND job_file.seq = artifact.last_prior_seq
        WHERE artifact.id = ?1
        UNION ALL
        SELECT job_file.job, job_file.seq, job_file.prior_job, job_file.prior_seq
        FROM found JOIN job_file ON job_file.job = found.earlier_job AND job_file.seq = found.earlier_seq
    )
    SELECT job, seq FROM found WHERE earlier_job = ?2 AND earlier_seq = ?3 LIMIT 1
);
