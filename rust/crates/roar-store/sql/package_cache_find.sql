SELECT package.name, package.version, package.arch
FROM package_cache LEFT JOIN package ON package.id = package_cache.package
WHERE package_cache.kind = ?1 AND package_cache.path = ?2 AND package_cache.stamp = ?3;
