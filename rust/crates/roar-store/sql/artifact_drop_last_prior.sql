UPDATE artifact SET last_prior_job = ?4, last_prior_seq = ?5
WHERE id = ?1 AND last_prior_job = ?2 AND last_prior_seq = ?3;
