-- NORMAL in write-ahead mode: a power cut may take the last jobs, never the database.
PRAGMA synchronous = NORMAL;
-- Pages. A connection that writes much folds the log at 16 MiB; short ones do so on closing.
PRAGMA wal_autocheckpoint = 4000;
-- KiB, negative by SQLite's convention: the pages that a transaction of ROWS_PER_TRANSACTION files touches.
PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
PRAGMA foreign_keys = ON;
