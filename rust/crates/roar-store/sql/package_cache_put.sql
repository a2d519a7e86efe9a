INSERT OR REPLACE INTO package_cache (kind, path, stamp, package) VALUES (?1, ?2, ?3, ?4);
