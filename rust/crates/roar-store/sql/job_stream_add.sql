INSERT INTO job_stream (job, fd, kind, path, is_append) VALUES (?1, ?2, ?3, ?4, ?5);
