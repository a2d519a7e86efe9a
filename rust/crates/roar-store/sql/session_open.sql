SELECT id FROM session WHERE ended_unix_ns IS NULL;
