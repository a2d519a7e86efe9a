INSERT INTO job_lookups (job, kinds, left_out) VALUES (?1, ?2, ?3);
