INSERT INTO job_package (job, package) VALUES (?1, ?2) ON CONFLICT DO NOTHING;
