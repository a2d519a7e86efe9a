SELECT path.id, path.path
FROM lookup INDEXED BY lookup_link JOIN path ON path.id = lookup.path
WHERE lookup.target IS NOT NULL AND lookup.job = ?1;
