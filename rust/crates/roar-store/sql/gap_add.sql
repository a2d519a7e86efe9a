INSERT INTO gap (job, seq, kind, pid, path, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
