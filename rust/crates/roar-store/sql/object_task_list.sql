SELECT DISTINCT task_file.file, task.seq, task.task
FROM task_file
    JOIN object ON object.job = task_file.job AND object.file = task_file.file
    JOIN task ON task.job = task_file.job AND task.seq = task_file.task
WHERE task_file.job = ?1
ORDER BY task_file.file, task.seq;
