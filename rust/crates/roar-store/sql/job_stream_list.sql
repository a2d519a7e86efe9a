SELECT fd, kind, path, is_append FROM job_stream WHERE job = ?1 ORDER BY fd;
