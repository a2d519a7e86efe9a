SELECT
    process.pid, process.parent, exe.path, process.argv, cwd.path, process.started_ns, process.ended_ns,
    process.exit_code, process.exit_signal, process.core_dumped
FROM process
    JOIN path AS exe ON exe.id = process.exe
    JOIN path AS cwd ON cwd.id = process.cwd
WHERE process.job = ?1
ORDER BY process.seq;
