SELECT DISTINCT path.path
FROM object
    JOIN job_file ON job_file.job = object.job AND job_file.seq = object.file
    JOIN path ON path.id = job_file.path
WHERE object.url = ?1
ORDER BY path.path
LIMIT ?2;
