SELECT id FROM artifact WHERE hash BETWEEN ?1 AND ?2 AND kind <> 2
UNION
SELECT artifact FROM artifact_hash WHERE hash BETWEEN ?1 AND ?2
LIMIT ?3;
