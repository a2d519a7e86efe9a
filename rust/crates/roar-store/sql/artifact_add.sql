INSERT INTO artifact (hash, algorithm, kind, size_bytes) VALUES (?1, ?2, ?3, ?4);
