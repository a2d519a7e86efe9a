SELECT kind, pid, path, detail FROM gap WHERE job = ?1 ORDER BY seq;
