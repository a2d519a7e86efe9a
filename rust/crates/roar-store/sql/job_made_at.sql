SELECT job FROM job_file
WHERE artifact = ?1 AND path = ?2 AND job < ?3 AND role = 1 AND artifact IS NOT NULL AND NOT is_filtered
ORDER BY job DESC
LIMIT 1;
