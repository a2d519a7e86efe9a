DELETE FROM artifact_hash WHERE artifact = ?1;
