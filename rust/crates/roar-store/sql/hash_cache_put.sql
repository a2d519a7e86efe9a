INSERT OR REPLACE INTO hash_cache (
    dev, ino, size_bytes, mtime_ns, ctime_ns, hashed_at_unix_ns, blake3, sha256, md5
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);
