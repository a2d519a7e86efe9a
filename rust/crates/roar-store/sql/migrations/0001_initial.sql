-- Version 1 of the store.
--
-- Conventions: names singular; *_ns and *_bytes carry their unit; a path is bytes, interned in `path`; a list of byte
-- strings is one blob with a NUL after each; unsigned 64-bit numbers are stored bit for bit in SQLite's signed ones.
-- Rows of a job are clustered by job, in the order in which they were written, so that a job costs the same however many
-- came before it.

-- A session holds numbered steps. One is open at a time: the one that has no end.
CREATE TABLE session (
    id              INTEGER PRIMARY KEY,
    uuid            TEXT NOT NULL UNIQUE,
    started_unix_ns INTEGER NOT NULL,
    ended_unix_ns   INTEGER
) STRICT;

CREATE UNIQUE INDEX session_open ON session ((1)) WHERE ended_unix_ns IS NULL;

CREATE TABLE path (
    id   INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE
) STRICT;

-- One content. `hash` is by `algorithm`, which is blake3 unless the user chose to do without; hashes by others are in
-- `artifact_hash`. The size is unknown while only the hash of an earlier version has been met.
CREATE TABLE artifact (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL,
    algorithm  TEXT NOT NULL,
    kind       INTEGER NOT NULL,                  -- 0 file, 1 symlink
    size_bytes INTEGER,
    UNIQUE (hash, algorithm, kind)
) STRICT;

CREATE TABLE artifact_hash (
    artifact  INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
    algorithm TEXT NOT NULL,
    hash      BLOB NOT NULL,
    PRIMARY KEY (artifact, algorithm)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifact_hash_by_hash ON artifact_hash (hash);

CREATE TABLE job (
    id                  INTEGER PRIMARY KEY,
    uuid                TEXT NOT NULL UNIQUE,
    session             INTEGER NOT NULL REFERENCES session,
    step                INTEGER NOT NULL,
    kind                TEXT NOT NULL,            -- run, build
    state               TEXT NOT NULL,            -- recorded, interrupted
    command             BLOB NOT NULL,
    cwd                 BLOB NOT NULL,
    backend             TEXT NOT NULL,
    tracer_mode         TEXT NOT NULL,
    root_pid            INTEGER NOT NULL,
    started_unix_ns     INTEGER NOT NULL,
    duration_ns         INTEGER NOT NULL,
    exit_code           INTEGER,
    exit_signal         INTEGER,
    core_dumped         INTEGER,
    is_complete         INTEGER NOT NULL,
    events_lost         INTEGER NOT NULL,
    events              INTEGER NOT NULL,
    overhead_ns         INTEGER NOT NULL,
    hash_algorithms     TEXT NOT NULL,            -- separated by spaces
    -- Counts of job_file, so that a list of jobs need not read it.
    inputs              INTEGER NOT NULL DEFAULT 0,
    outputs             INTEGER NOT NULL DEFAULT 0,
    temporaries         INTEGER NOT NULL DEFAULT 0,
    deletions           INTEGER NOT NULL DEFAULT 0,
    filtered            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session, step)
) STRICT;

CREATE TABLE job_fell_back (
    job     INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    backend TEXT NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_label (
    job   INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_git (
    job           INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    top_level     BLOB NOT NULL,
    commit_id     TEXT,                           -- absent before the first commit
    branch        TEXT,                           -- absent where HEAD is detached
    remote        TEXT,
    is_dirty      INTEGER,                        -- absent where git could not say
    changed_paths BLOB NOT NULL
) STRICT;

CREATE TABLE job_env (
    job         INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    name        BLOB NOT NULL,
    value       BLOB,
    is_redacted INTEGER NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE package (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,                        -- debian, python
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    arch    TEXT NOT NULL,                        -- empty where the kind has none
    UNIQUE (kind, name, version, arch)
) STRICT;

CREATE TABLE job_package (
    job     INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    package INTEGER NOT NULL REFERENCES package,
    PRIMARY KEY (job, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE process (
    job         INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    pid         INTEGER NOT NULL,
    parent      INTEGER,
    exe         INTEGER NOT NULL REFERENCES path,
    argv        BLOB NOT NULL,
    cwd         INTEGER NOT NULL REFERENCES path,
    started_ns  INTEGER NOT NULL,
    ended_ns    INTEGER,
    exit_code   INTEGER,
    exit_signal INTEGER,
    core_dumped INTEGER,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
    job    INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    pid    INTEGER NOT NULL,
    path   BLOB,
    detail TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_file (
    job            INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    seq            INTEGER NOT NULL,
    path           INTEGER NOT NULL REFERENCES path,
    role           INTEGER NOT NULL,              -- 0 input, 1 output, 2 temporary, 3 deleted
    kind           INTEGER NOT NULL,              -- 0 file, 1 symlink
    is_read        INTEGER NOT NULL,
    is_written     INTEGER NOT NULL,
    is_executed    INTEGER NOT NULL,
    is_created     INTEGER NOT NULL,
    is_deleted     INTEGER NOT NULL,
    is_filtered    INTEGER NOT NULL,
    prior          INTEGER,                       -- 0 kept, 1 replaced
    renamed_from   INTEGER REFERENCES path,
    size_bytes     INTEGER,
    read_bytes     INTEGER,
    written_bytes  INTEGER,
    pids           BLOB NOT NULL,                 -- 4 bytes each, little-endian
    artifact       INTEGER REFERENCES artifact,
    prior_artifact INTEGER REFERENCES artifact,
    note           TEXT,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_file_by_path ON job_file (path, job);
CREATE INDEX job_file_by_artifact ON job_file (artifact) WHERE artifact IS NOT NULL;
CREATE INDEX job_file_by_prior_artifact ON job_file (prior_artifact) WHERE prior_artifact IS NOT NULL;

-- The hash that a file had when its stamp was this. One row for a file: its newest version.
CREATE TABLE hash_cache (
    dev               INTEGER NOT NULL,
    ino               INTEGER NOT NULL,
    size_bytes        INTEGER NOT NULL,
    mtime_ns          INTEGER NOT NULL,
    ctime_ns          INTEGER NOT NULL,
    hashed_at_unix_ns INTEGER NOT NULL,           -- when hashing began; see hash_cache.rs on why it matters
    blake3            BLOB,
    sha256            BLOB,
    md5               BLOB,
    PRIMARY KEY (dev, ino)
) STRICT, WITHOUT ROWID;

-- The package that a path belonged to when the package manager's database had this stamp; no package: to none.
CREATE TABLE package_cache (
    kind    TEXT NOT NULL,
    path    BLOB NOT NULL,
    stamp   TEXT NOT NULL,
    package INTEGER REFERENCES package,
    PRIMARY KEY (kind, path)
) STRICT, WITHOUT ROWID;
