UPDATE artifact SET last_prior_job = ?2, last_prior_seq = ?3 WHERE id = ?1;
