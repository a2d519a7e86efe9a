SELECT algorithm, hash, kind, size_bytes FROM artifact WHERE id = ?1;
