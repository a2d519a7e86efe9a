SELECT algorithm, hash FROM artifact_hash WHERE artifact = ?1;
