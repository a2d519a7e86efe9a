//! The environment variables that a run adds to those of the command.

/// Where runners tell of their tasks. The Python package `roar` looks at it.
pub(crate) const TASKS: &str = "ROAR_TASKS";

/// Where a process of a Ray cluster leaves what is seen of it: the variable of `ray.store`, which processes there are given.
pub(crate) const RAY_STORE: &str = "ROAR_RAY_STORE";

/// The run that it is seen for.
pub const RAY_RUN: &str = "ROAR_RAY_RUN";

/// The public key that it is sealed with where it leaves the machine.
pub const RAY_KEY: &str = "ROAR_RAY_KEY";

/// Set for a worker that has a tracer of its own: the Python package takes it out of the tracer's group of processes.
pub(crate) const RAY_WORKER: &str = "ROAR_RAY_WORKER";
