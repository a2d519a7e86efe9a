SELECT max(job) FROM job_file
WHERE artifact = ?1 AND job < ?2 AND role = 1 AND artifact IS NOT NULL AND NOT is_filtered;
