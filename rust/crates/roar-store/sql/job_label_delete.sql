DELETE FROM job_label WHERE job = ?1 AND key = ?2;
