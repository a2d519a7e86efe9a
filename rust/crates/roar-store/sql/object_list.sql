SELECT object.file, object.url, object.endpoint, job_file.role, object.version, object.etag, job_file.size_bytes, job_file.pids
FROM object
    JOIN job_file ON job_file.job = object.job AND job_file.seq = object.file
WHERE object.job = ?1
ORDER BY object.file;
