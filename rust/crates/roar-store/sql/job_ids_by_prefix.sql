SELECT id FROM job WHERE uuid >= ?1 AND uuid < ?1 || 'g' ORDER BY uuid DESC LIMIT ?2;
