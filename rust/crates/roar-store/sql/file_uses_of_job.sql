SELECT job_file.job, job_file.path, path.path, job_file.role, job_file.kind, job_file.prior, job_file.is_filtered,
    artifact.hash, previous.hash, artifact.id, previous.id, job_file.is_executed, job_file.size_bytes,
    job_file.since_unix_ns
FROM job_file
    JOIN path ON path.id = job_file.path
    LEFT JOIN artifact ON artifact.id = job_file.artifact
    LEFT JOIN artifact AS previous ON previous.id = job_file.prior_artifact
WHERE job_file.job = ?1
ORDER BY job_file.seq;
