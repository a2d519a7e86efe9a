SELECT events, overhead_ns, hash_algorithms FROM job WHERE id = ?1;
