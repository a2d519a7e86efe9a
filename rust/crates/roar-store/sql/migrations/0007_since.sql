-- Version 7 of the store: what tells where a content cannot come from, and links that led to files.
--
-- When the file that a job found had last been changed (st_ctime). Absent where a record is of an earlier version, and for a file that
-- was not there before.
ALTER TABLE job_file ADD COLUMN since_unix_ns INTEGER;

-- The target of a symbolic link that led to a file of the job: then `listing` is absent.
ALTER TABLE lookup ADD COLUMN target BLOB;
