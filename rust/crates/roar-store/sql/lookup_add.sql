INSERT INTO lookup (job, seq, path, program, listing) VALUES (?1, ?2, ?3, ?4, ?5);
