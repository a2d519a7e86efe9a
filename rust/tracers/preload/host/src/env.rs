//! The environment of the command: the variables that bring the library along.

use std::env;
use std::ffi::OsString;
use std::path::Path;

/// By which loaders are told of the library.
const LIBRARY: &str = "LD_PRELOAD";

/// By which the library is told of the journal.
const TRACE: &str = "ROAR_PRELOAD";

/// By which a test says how the library is to see.
const MODE: &str = "ROAR_PRELOAD_MODE";

/// Sets the variables for this process and those that it makes. What the user preloads comes after.
///
/// # Safety
/// No other thread runs.
pub(crate) unsafe fn bring_along(library: &Path, journal: &Path) {
    let mut value = OsString::from(library);
    if let Some(own) = env::var_os(LIBRARY).filter(|own| !own.is_empty()) {
        value.push(":");
        value.push(own);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "only the command sees it, and this is how it is given its environment"
    )]
    // SAFETY: nobody else reads the environment, as the caller promises.
    unsafe {
        env::set_var(LIBRARY, value)
    };
    #[expect(clippy::disallowed_methods, reason = "as above")]
    // SAFETY: as above.
    unsafe {
        env::set_var(TRACE, journal)
    };
    // SAFETY: as above.
    unsafe { env::remove_var(MODE) };
}

/// `ROAR_PRELOAD_MODE=hooked`: no C library is patched; the library hooks functions, as it does where it knows no better. The command does
/// not get the variable.
pub(crate) fn is_patching_refused() -> bool {
    env::var_os(MODE).is_some_and(|mode| mode == "hooked")
}

/// Returns where programs are looked for.
pub(crate) fn search_path() -> OsString {
    env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into())
}

/// Returns where this user's caches are.
pub(crate) fn cache_home() -> Option<std::path::PathBuf> {
    let absolute =
        |name: &str| env::var_os(name).map(std::path::PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

/// Returns whether options in a variable have one of the words.
pub(crate) fn asks(variable: &str, words: &[&str]) -> bool {
    env::var_os(variable).is_some_and(|options| {
        let options = options.to_string_lossy();
        words.iter().any(|word| options.contains(word))
    })
}
