DELETE FROM path
WHERE id NOT IN (
    SELECT path FROM job_file
    UNION ALL
    SELECT renamed_from FROM job_file WHERE renamed_from IS NOT NULL
    UNION ALL
    SELECT exe FROM process
    UNION ALL
    SELECT cwd FROM process
    UNION ALL
    SELECT path FROM lookup
    UNION ALL
    SELECT program FROM lookup
);
