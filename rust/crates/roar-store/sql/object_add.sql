INSERT INTO object (job, file, url, endpoint, version, etag) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
