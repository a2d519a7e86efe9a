SELECT key, value FROM job_label WHERE job = ?1 ORDER BY key;
