SELECT path.path, program.path, listing.count, listing.names, listing.hash, lookup.target
FROM lookup
    JOIN path ON path.id = lookup.path
    JOIN path AS program ON program.id = lookup.program
    LEFT JOIN listing ON listing.id = lookup.listing
WHERE lookup.job = ?1
ORDER BY lookup.seq;
