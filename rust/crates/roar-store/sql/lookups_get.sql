SELECT kinds, left_out FROM job_lookups WHERE job = ?1;
