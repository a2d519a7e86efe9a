INSERT INTO lookup (job, seq, path, program, listing, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
