-- Version 2 of the store: lists in place of indexes.
--
-- An index from paths to the rows of job_file has as many pages as all jobs before have filled, and the rows of one job fall
-- on all of them: recording 2,000 files wrote 2 MB. Now the rows of one path form a list. The newest is named by last_job and
-- last_seq, and each names the one before it; so do those of one artifact, and those of one artifact as the version from
-- before. Whoever deletes jobs takes their rows out of these lists in the same transaction.
ALTER TABLE path ADD COLUMN last_job INTEGER; -- absent where no job used it as a file
ALTER TABLE path ADD COLUMN last_seq INTEGER;
ALTER TABLE artifact ADD COLUMN last_job INTEGER;
ALTER TABLE artifact ADD COLUMN last_seq INTEGER;
ALTER TABLE artifact ADD COLUMN last_prior_job INTEGER;
ALTER TABLE artifact ADD COLUMN last_prior_seq INTEGER;
ALTER TABLE job_file ADD COLUMN path_job INTEGER; -- the row before this one of the same path
ALTER TABLE job_file ADD COLUMN path_seq INTEGER;
ALTER TABLE job_file ADD COLUMN artifact_job INTEGER; -- of the same artifact
ALTER TABLE job_file ADD COLUMN artifact_seq INTEGER;
ALTER TABLE job_file ADD COLUMN prior_job INTEGER; -- of the same artifact as the version from before
ALTER TABLE job_file ADD COLUMN prior_seq INTEGER;

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

UPDATE path SET (last_job, last_seq) = (
    SELECT job, seq FROM job_file WHERE job_file.path = path.id ORDER BY job DESC, seq DESC LIMIT 1
);
UPDATE artifact SET
    (last_job, last_seq) = (
        SELECT job, seq FROM job_file WHERE job_file.artifact = artifact.id ORDER BY job DESC, seq DESC LIMIT 1
    ),
    (last_prior_job, last_prior_seq) = (
        SELECT job, seq FROM job_file WHERE job_file.prior_artifact = artifact.id ORDER BY job DESC, seq DESC LIMIT 1
    );

DROP INDEX job_file_by_path;
DROP INDEX job_file_by_artifact;
DROP INDEX job_file_by_prior_artifact;
