"""Ray: which task, of which actor, on which node and worker, a thread works for."""
