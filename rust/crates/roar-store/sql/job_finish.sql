UPDATE job
SET state = ?2, inputs = ?3, outputs = ?4, temporaries = ?5, deletions = ?6, filtered = ?7
WHERE id = ?1;
