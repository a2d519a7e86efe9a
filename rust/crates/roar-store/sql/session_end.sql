UPDATE session SET ended_unix_ns = ?1 WHERE ended_unix_ns IS NULL;
