SELECT id, ended_unix_ns FROM session;
