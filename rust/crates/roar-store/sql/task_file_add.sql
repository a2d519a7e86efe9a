INSERT OR IGNORE INTO task_file (job, task, file, role, is_shared, is_rewritten) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
