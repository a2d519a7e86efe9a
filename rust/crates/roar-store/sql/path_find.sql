SELECT id, last_job, last_seq FROM path WHERE path = ?1;
