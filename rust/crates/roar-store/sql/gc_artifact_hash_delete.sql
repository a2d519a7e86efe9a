DELETE FROM artifact_hash WHERE artifact NOT IN (SELECT id FROM artifact);
