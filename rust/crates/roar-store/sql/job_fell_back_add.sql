INSERT INTO job_fell_back (job, seq, backend, reason) VALUES (?1, ?2, ?3, ?4);
