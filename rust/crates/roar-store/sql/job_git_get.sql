SELECT top_level, commit_id, branch, remote, is_dirty, changed_paths FROM job_git WHERE job = ?1;
