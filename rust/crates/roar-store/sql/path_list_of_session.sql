SELECT DISTINCT path.path
FROM job
    JOIN job_file ON job_file.job = job.id
    JOIN path ON path.id = job_file.path
WHERE job.session = ?1 AND NOT job_file.is_filtered
LIMIT ?2;
