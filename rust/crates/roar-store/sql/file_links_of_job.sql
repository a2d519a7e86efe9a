SELECT seq, path, path_job, path_seq, artifact, artifact_job, artifact_seq, prior_artifact, prior_job, prior_seq
FROM job_file
WHERE job = ?1
ORDER BY seq DESC;
