SELECT job, path, role, prior, artifact, prior_artifact, since_unix_ns
FROM job_file
WHERE job >= ?1 AND job <= ?2 AND NOT is_filtered
ORDER BY job, seq;
