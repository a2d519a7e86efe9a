SELECT id, path
FROM path
WHERE id >= ?1
ORDER BY id;
