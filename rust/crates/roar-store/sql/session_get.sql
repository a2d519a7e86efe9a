SELECT id, uuid, started_unix_ns, ended_unix_ns, (SELECT count(*) FROM job WHERE job.session = session.id)
FROM session
WHERE ended_unix_ns IS NULL;
