SELECT id FROM patch WHERE digest = ?1 AND text = ?2;
