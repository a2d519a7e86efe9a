INSERT INTO session (uuid, started_unix_ns) VALUES (?1, ?2) RETURNING id;
