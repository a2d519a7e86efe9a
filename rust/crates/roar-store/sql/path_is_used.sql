SELECT EXISTS (SELECT 1 FROM job_file WHERE path = (SELECT id FROM path WHERE path = ?1));
