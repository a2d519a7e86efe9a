-- Version 4 of the store: the tasks of a runner (Ray, …) within a job, and what each did to the job's files.
CREATE TABLE task (
    job        INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    task       TEXT NOT NULL,                     -- as the runner calls it; the same again for another attempt
    attempt    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    actor      TEXT,
    node       TEXT,
    worker     TEXT,
    pid        INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    ended_ns   INTEGER,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_file (
    job          INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    task         INTEGER NOT NULL,                -- task.seq
    file         INTEGER NOT NULL,                -- job_file.seq
    role         INTEGER NOT NULL,                -- as in job_file: what the file was to the task
    is_shared    INTEGER NOT NULL,                -- it may have been another task of the same process
    is_rewritten INTEGER NOT NULL,                -- its content changed after the task: job_file's is not what it saw
    PRIMARY KEY (job, task, file, role, is_shared)
) STRICT, WITHOUT ROWID;
