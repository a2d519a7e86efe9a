SELECT id, size_bytes, last_job, last_seq, last_prior_job, last_prior_seq
FROM artifact
WHERE hash = ?1 AND algorithm = ?2 AND kind = ?3;
