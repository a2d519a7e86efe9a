-- Version 5 of the store: objects of object stores, each beside the row of job_file that stands for it.
--
-- Such a row has kind 2, for its path the URL (which no file has: those begin with '/'), and for its artifact what the object store
-- calls the content, as text, by the algorithm 'etag', which is no hash.
CREATE TABLE object (
    job      INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    file     INTEGER NOT NULL,                    -- job_file.seq
    url      TEXT NOT NULL,                       -- without the endpoint, which is in job_file's path
    endpoint TEXT,
    version  TEXT,
    etag     TEXT,
    PRIMARY KEY (job, file)
) STRICT, WITHOUT ROWID;

CREATE INDEX object_by_url ON object (url);
