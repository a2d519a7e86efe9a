DELETE FROM artifact
WHERE id NOT IN (
    SELECT artifact FROM job_file WHERE artifact IS NOT NULL
    UNION ALL
    SELECT prior_artifact FROM job_file WHERE prior_artifact IS NOT NULL
);
