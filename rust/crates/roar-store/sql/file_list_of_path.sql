SELECT
    job_file.job, path.path, job_file.role, job_file.kind, job_file.is_read, job_file.is_written,
    job_file.is_executed, job_file.is_created, job_file.is_deleted, job_file.is_filtered, job_file.prior,
    origin.path, job_file.size_bytes, job_file.read_bytes, job_file.written_bytes, job_file.pids, job_file.note,
    artifact.id, artifact.algorithm, artifact.hash, previous.id, previous.algorithm, previous.hash
FROM job_file
    JOIN path ON path.id = job_file.path
    LEFT JOIN path AS origin ON origin.id = job_file.renamed_from
    LEFT JOIN artifact ON artifact.id = job_file.artifact
    LEFT JOIN artifact AS previous ON previous.id = job_file.prior_artifact
WHERE job_file.path = (SELECT id FROM path WHERE path = ?1)
ORDER BY job_file.job DESC, job_file.role, job_file.seq
LIMIT ?2;
