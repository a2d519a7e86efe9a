//! The environment variables that a run adds to those of the command.

/// Where runners tell of their tasks. The Python package `roar` looks at it.
pub(crate) const TASKS: &str = "ROAR_TASKS";
