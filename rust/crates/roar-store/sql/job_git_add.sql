INSERT INTO job_git (job, top_level, commit_id, branch, remote, is_dirty, changed_paths, patch, patch_note)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);
