DELETE FROM artifact WHERE id = ?1 AND last_job IS NULL AND last_prior_job IS NULL;
