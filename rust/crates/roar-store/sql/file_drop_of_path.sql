UPDATE job_file SET path_job = ?4, path_seq = ?5
WHERE (job, seq) = (
    WITH RECURSIVE found (job, seq, earlier_job, earlier_seq) AS (
        SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
        FROM path JOIN job_file ON job_file.job = path.last_job AND job_file.seq = path.last_seq
        WHERE path.id = ?1
        UNION ALL
        SELECT job_file.job, job_file.seq, job_file.path_job, job_file.path_seq
        FROM found JOIN job_file ON job_file.job = found.earlier_job AND job_file.seq = found.earlier_seq
    )
    SELECT job, seq FROM found WHERE earlier_job = ?2 AND earlier_seq = ?3 LIMIT 1
);
