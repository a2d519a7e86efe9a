SELECT job, path FROM lookup INDEXED BY lookup_link WHERE target IS NOT NULL AND job >= ?1 AND job <= ?2;
