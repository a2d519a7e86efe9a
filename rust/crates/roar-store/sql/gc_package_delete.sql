DELETE FROM package
WHERE id NOT IN (
    SELECT package FROM job_package
    UNION ALL
    SELECT package FROM package_cache WHERE package IS NOT NULL
);
