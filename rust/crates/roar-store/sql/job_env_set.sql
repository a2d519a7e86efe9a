INSERT INTO job_env (job, name, value, is_redacted) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (job, name) DO UPDATE SET value = excluded.value, is_redacted = excluded.is_redacted;
