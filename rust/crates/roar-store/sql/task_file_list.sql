SELECT task_file.task, task_file.file, path.path, task_file.role, task_file.is_shared, task_file.is_rewritten
FROM task_file
    JOIN job_file ON job_file.job = task_file.job AND job_file.seq = task_file.file
    JOIN path ON path.id = job_file.path
WHERE task_file.job = ?1
ORDER BY task_file.task, path.path, task_file.role, task_file.is_shared, task_file.file;
