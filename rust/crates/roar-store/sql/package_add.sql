INSERT INTO package (kind, name, version, arch) VALUES (?1, ?2, ?3, ?4);
