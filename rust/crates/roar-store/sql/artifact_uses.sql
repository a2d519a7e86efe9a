SELECT job_file.job, path.path, job_file.role, FALSE AS is_prior
FROM job_file JOIN path ON path.id = job_file.path
WHERE job_file.artifact = ?1
UNION ALL
SELECT job_file.job, path.path, job_file.role, TRUE
FROM job_file JOIN path ON path.id = job_file.path
WHERE job_file.prior_artifact = ?1
ORDER BY 1 DESC, 3, 2
LIMIT ?2;
