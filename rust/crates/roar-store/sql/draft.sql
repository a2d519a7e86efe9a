-- Nobody knows of the draft, and it is synced when it is whole.
PRAGMA synchronous = OFF;
PRAGMA journal_mode = MEMORY;
