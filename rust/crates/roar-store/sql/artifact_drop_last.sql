UPDATE artifact SET last_job = ?4, last_seq = ?5 WHERE id = ?1 AND last_job = ?2 AND last_seq = ?3;
