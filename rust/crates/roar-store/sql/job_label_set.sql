INSERT INTO job_label (job, key, value) VALUES (?1, ?2, ?3)
ON CONFLICT (job, key) DO UPDATE SET value = excluded.value;
