-- Version 3 of the store: what questions need that are asked later.
--
-- Who made a content is found by this index. Outputs are nearly always new contents, whose rows are the newest of `artifact`:
-- what a job adds stands together at the end of the index, unlike in the indexes that version 2 has removed.
CREATE INDEX job_file_made ON job_file (artifact, path, job)
WHERE role = 1 AND artifact IS NOT NULL AND NOT is_filtered;

-- Who made what was not hashed: few, if any.
CREATE INDEX job_file_made_unhashed ON job_file (path, job)
WHERE role = 1 AND artifact IS NULL AND NOT is_filtered;

-- What was done to the file first: the call (the number of an event of the wire), by which process, and when since the start of
-- the run. Absent where a record is of an earlier version, or nothing told.
ALTER TABLE job_file ADD COLUMN act INTEGER;
ALTER TABLE job_file ADD COLUMN act_pid INTEGER;
ALTER TABLE job_file ADD COLUMN act_ns INTEGER;

-- Where the standard streams of a command came from or went, for who runs it again.
CREATE TABLE job_stream (
    job       INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    fd        INTEGER NOT NULL,
    kind      TEXT NOT NULL,              -- file, null, pipe, terminal, other
    path      BLOB,                       -- of a file
    is_append INTEGER NOT NULL,
    PRIMARY KEY (job, fd)
) STRICT, WITHOUT ROWID;

-- Changes that were not committed when a job ran, as git diff --binary writes them; once, however many jobs ran with them.
CREATE TABLE patch (
    id     INTEGER PRIMARY KEY,
    digest INTEGER NOT NULL,              -- finds candidates; the text decides
    text   BLOB NOT NULL
) STRICT;

CREATE INDEX patch_by_digest ON patch (digest);

ALTER TABLE job_git ADD COLUMN patch INTEGER REFERENCES patch;
ALTER TABLE job_git ADD COLUMN patch_note TEXT; -- why there is none although files differed
