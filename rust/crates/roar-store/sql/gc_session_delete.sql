DELETE FROM session
WHERE ended_unix_ns IS NOT NULL AND NOT EXISTS (SELECT 1 FROM job WHERE job.session = session.id);
