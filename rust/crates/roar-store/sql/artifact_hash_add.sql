INSERT INTO artifact_hash (artifact, algorithm, hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING;
