//! The environment variables that steer the harness.

use std::ffi::OsString;
use std::path::PathBuf;

/// `ROAR_BIN`: the roar to test, in place of the newer of `target/release/roar` and `target/debug/roar`.
pub fn roar_bin() -> Option<OsString> {
    std::env::var_os("ROAR_BIN")
}

/// `ROAR_REQUIRE`: words with commas between. A backend named there must be able to run here, else it is skipped with its
/// reason; `kernel` means that the kernel and its file systems must be able to do all that the programs show. With any
/// word at all, a tool that a case needs and that is not installed is a failure.
pub fn required() -> Vec<String> {
    let words = std::env::var("ROAR_REQUIRE").unwrap_or_default();
    words.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// `ROAR_ROOT`: the root directory of another release, which has a C library of its own, for the tests that run there.
pub fn root() -> Option<PathBuf> {
    std::env::var_os("ROAR_ROOT").map(PathBuf::from)
}

/// `ROAR_ROOT_CC`: the words that compile for the C library there.
pub fn root_compiler() -> Vec<String> {
    let words = std::env::var("ROAR_ROOT_CC").unwrap_or_default();
    words.split_whitespace().map(str::to_owned).collect()
}

/// `ROAR_ROOT_LIBC`: which C library there, `glibc` or `musl`.
pub fn root_libc() -> String {
    std::env::var("ROAR_ROOT_LIBC").unwrap_or_default()
}

/// `ROAR_TOGETHER=1`: cases are run many at a time, too.
pub fn is_together() -> bool {
    std::env::var_os("ROAR_TOGETHER").is_some_and(|value| value == "1")
}

/// `ROAR_SLOW=1`: slow cases are run as well, and each case under every confinement.
pub fn is_slow_wanted() -> bool {
    std::env::var_os("ROAR_SLOW").is_some_and(|value| value == "1")
}

/// `ROAR_KEEP`, with any value: the directories of the runs are kept, and failures name them.
pub fn is_kept() -> bool {
    std::env::var_os("ROAR_KEEP").is_some()
}

/// `ROAR_FAULT_ROUNDS`: how many moments each choice of victims is killed at, in place of a few.
pub fn fault_rounds() -> Option<u64> {
    std::env::var("ROAR_FAULT_ROUNDS").ok()?.parse().ok()
}

/// `ROAR_FAULT_SEED`: what the moments follow from, in place of the time. A failure says what it was.
pub fn fault_seed() -> Option<u64> {
    std::env::var("ROAR_FAULT_SEED").ok()?.parse().ok()
}

/// `NEXTEST_RUN_ID`: what the processes of one run of the tests have in common, as nextest names it; without it, each process is a run.
pub fn test_run() -> String {
    std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| std::process::id().to_string())
}

/// `PATH`, which the commands get as it is.
pub fn path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned())
}
