INSERT INTO listing (hash, count, names) VALUES (?1, ?2, ?3);
