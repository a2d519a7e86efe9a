//! The environment, as the tracer programs look at it.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where execvp(3) looks for programs where `PATH` does not say.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// Returns where programs are looked for.
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into())
}

/// Returns where temporary files go (`TMPDIR`).
pub(crate) fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}
