SELECT id FROM job WHERE id = ?1;
