UPDATE artifact SET size_bytes = ?2 WHERE id = ?1;
