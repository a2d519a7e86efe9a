SELECT id FROM job WHERE session = (SELECT id FROM session WHERE ended_unix_ns IS NULL) AND step = ?1;
