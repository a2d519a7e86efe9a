//! The variables that bring the library along.

/// The variable by which loaders are told of the library.
pub(crate) const LIBRARY: &[u8] = b"LD_PRELOAD";

/// The variable that names the journal, and after semicolons what else a program must be told of its surroundings: `a=` its alias, `f`
/// that it has a filter of system calls, `s` that it is in a sandbox, and last `r=` its root directory.
pub(crate) const TRACE: &[u8] = b"ROAR_PRELOAD";
