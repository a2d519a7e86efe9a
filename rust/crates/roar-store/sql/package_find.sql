SELECT id FROM package WHERE kind = ?1 AND name = ?2 AND version = ?3 AND arch = ?4;
