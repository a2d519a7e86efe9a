"""roar: provenance of files. The programs are in the environment's `bin`; `roar.backends` has what tells tasks apart."""
