//! The variables that bring the library along.

/// The variable by which loaders are told of the library, and what may stand between two of them in it (ld.so(8), dyld(1)).
#[cfg(target_os = "linux")]
pub(crate) const LIBRARY: &[u8] = b"LD_PRELOAD";
#[cfg(target_os = "linux")]
pub(crate) const SEPARATORS: &[u8] = b": ";
#[cfg(target_os = "macos")]
pub(crate) const LIBRARY: &[u8] = b"DYLD_INSERT_LIBRARIES";
#[cfg(target_os = "macos")]
pub(crate) const SEPARATORS: &[u8] = b":";

/// The variable that names the journal, and after semicolons what else a program must be told of its surroundings: `a=` its alias, `f`
/// that it has a filter of system calls, `s` that it is in a sandbox, and last `r=` its root directory.
pub(crate) const TRACE: &[u8] = b"ROAR_PRELOAD";
