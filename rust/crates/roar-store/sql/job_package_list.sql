SELECT package.kind, package.name, package.version, package.arch
FROM job_package JOIN package ON package.id = job_package.package
WHERE job_package.job = ?1
ORDER BY package.kind, package.name, package.version, package.arch;
