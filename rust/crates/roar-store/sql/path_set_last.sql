UPDATE path SET last_job = ?2, last_seq = ?3 WHERE id = ?1;
