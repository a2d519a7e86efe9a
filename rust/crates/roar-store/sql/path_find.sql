SELECT id FROM path WHERE path = ?1;
