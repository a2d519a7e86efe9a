SELECT name, value, is_redacted FROM job_env WHERE job = ?1 ORDER BY name;
