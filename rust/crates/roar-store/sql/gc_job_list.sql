SELECT id, session FROM job ORDER BY id;
