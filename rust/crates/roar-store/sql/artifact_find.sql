SELECT id, size_bytes IS NULL FROM artifact WHERE hash = ?1 AND algorithm = ?2 AND kind = ?3;
