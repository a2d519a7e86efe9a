SELECT job_file.job
FROM job_file CROSS JOIN job ON job.id = job_file.job
WHERE job_file.artifact = ?1 AND job_file.path = ?2 AND job_file.job > ?3 AND job_file.role = 1
    AND job_file.artifact IS NOT NULL AND NOT job_file.is_filtered
    AND job.started_unix_ns <= ?4 AND job.started_unix_ns + job.duration_ns >= ?5
ORDER BY job_file.job
LIMIT 1;
