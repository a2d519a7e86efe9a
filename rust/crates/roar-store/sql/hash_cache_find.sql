SELECT blake3, sha256, md5
FROM hash_cache
WHERE dev = ?1 AND ino = ?2
    AND size_bytes = ?3 AND mtime_ns = ?4 AND ctime_ns = ?5
    AND hashed_at_unix_ns >= ?6;
