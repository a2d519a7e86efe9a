SELECT id, hash, kind
FROM artifact
WHERE id >= ?1
ORDER BY id;
