-- The lists of uses, made anew from the rows that are left; see migrations/0002_lists_of_uses.sql.
UPDATE job_file SET
    path_job = earlier.path_job, path_seq = earlier.path_seq,
    artifact_job = earlier.artifact_job, artifact_seq = earlier.artifact_seq,
    prior_job = earlier.prior_job, prior_seq = earlier.prior_seq
FROM (
    SELECT job, seq,
        lag(job) OVER same_path AS path_job, lag(seq) OVER same_path AS path_seq,
        iif(artifact IS NULL, NULL, lag(job) OVER same_artifact) AS artifact_job,
        iif(artifact IS NULL, NULL, lag(seq) OVER same_artifact) AS artifact_seq,
        iif(prior_artifact IS NULL, NULL, lag(job) OVER same_prior) AS prior_job,
        iif(prior_artifact IS NULL, NULL, lag(seq) OVER same_prior) AS prior_seq
    FROM job_file
    WINDOW
        same_path AS (PARTITION BY path ORDER BY job, seq),
        same_artifact AS (PARTITION BY artifact ORDER BY job, seq),
        same_prior AS (PARTITION BY prior_artifact ORDER BY job, seq)
) AS earlier
WHERE job_file.job = earlier.job AND job_file.seq = earlier.seq;

UPDATE path SET last_job = NULL, last_seq = NULL;
UPDATE path SET last_job = newest.job, last_seq = newest.seq
FROM (
    SELECT path, job, seq, row_number() OVER (PARTITION BY path ORDER BY job DESC, seq DESC) AS place
    FROM job_file
) AS newest
WHERE newest.place = 1 AND newest.path = path.id;

UPDATE artifact SET last_job = NULL, last_seq = NULL, last_prior_job = NULL, last_prior_seq = NULL;
UPDATE artifact SET last_job = newest.job, last_seq = newest.seq
FROM (
    SELECT artifact, job, seq, row_number() OVER (PARTITION BY artifact ORDER BY job DESC, seq DESC) AS place
    FROM job_file WHERE artifact IS NOT NULL
) AS newest
WHERE newest.place = 1 AND newest.artifact = artifact.id;
UPDATE artifact SET last_prior_job = newest.job, last_prior_seq = newest.seq
FROM (
    SELECT prior_artifact, job, seq, row_number() OVER (PARTITION BY prior_artifact ORDER BY job DESC, seq DESC) AS place
    FROM job_file WHERE prior_artifact IS NOT NULL
) AS newest
WHERE newest.place = 1 AND newest.prior_artifact = artifact.id;
