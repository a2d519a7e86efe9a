SELECT job FROM job_file
WHERE path = ?1 AND job < ?2 AND role = 1 AND artifact IS NULL AND NOT is_filtered
ORDER BY job DESC
LIMIT 1;
