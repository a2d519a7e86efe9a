DELETE FROM hash_cache WHERE blake3 NOT IN (SELECT hash FROM artifact WHERE algorithm = 'blake3');
