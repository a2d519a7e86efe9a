-- Version 7 of the store: what tells where a content cannot come from, and links that led to files.
--
-- When the file that a job found had last been changed (st_ctime). Absent where a record is of an earlier version, and for a file that
-- was not there before.
ALTER TABLE job_file ADD COLUMN since_unix_ns INTEGER;

-- The target of a symbolic link that led to a file of the job: then `listing` is absent.
ALTER TABLE lookup ADD COLUMN target BLOB;
CREATE INDEX lookup_link ON lookup (job, path) WHERE target IS NOT NULL;

-- The uuid of the job that this one was to run again. It may have been dropped.
ALTER TABLE job ADD COLUMN rerun_of TEXT;

-- The time that files were given when a job began, by the clock of the file systems: what is younger was made by the job, or after it.
ALTER TABLE job ADD COLUMN began_unix_ns INTEGER;
