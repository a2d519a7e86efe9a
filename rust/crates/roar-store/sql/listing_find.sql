SELECT id FROM listing WHERE hash = ?1;
