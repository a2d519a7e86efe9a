-- Version 6 of the store: what a job looked up that is no file of it. It can have decided what the job did.
--
-- A job without a row in `job_lookups` is from before this version: nothing is known of what it looked up.
CREATE TABLE job_lookups (
    job      INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    kinds    INTEGER NOT NULL,                    -- those that the tracer sees: 1 absent, 2 listing, 3 both
    left_out INTEGER NOT NULL
) STRICT;

-- The names in a directory: once, however many jobs found the same.
CREATE TABLE listing (
    id    INTEGER PRIMARY KEY,
    hash  BLOB NOT NULL UNIQUE,                   -- BLAKE3 of the names as they stand in `names`
    count INTEGER NOT NULL,
    names BLOB                                    -- absent where there are too many
) STRICT;

CREATE TABLE lookup (
    job     INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    path    INTEGER NOT NULL REFERENCES path,
    program INTEGER NOT NULL REFERENCES path,     -- that did it first
    listing INTEGER REFERENCES listing,           -- absent where nothing was at the path
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;
