SELECT backend, reason FROM job_fell_back WHERE job = ?1 ORDER BY seq;
