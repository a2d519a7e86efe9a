SELECT id FROM job WHERE session = ?1 ORDER BY step DESC LIMIT ?2;
