//! The backends under test, and the roar that runs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::env;
use crate::run::Verdict;
use crate::world::spawn;

/// Backends that there are or will be; a case may not name another.
pub const KNOWN_BACKENDS: [&str; 5] = ["ebpf", HOOKED, MUSL, "preload", "ptrace"];

/// Backends that `roar run --tracer` knows, and [`HOOKED`]. A new one is one word here.
pub const BACKENDS: [&str; 4] = ["ebpf", HOOKED, "preload", "ptrace"];

/// The preload backend as it is where it knows nothing of the C library: it hooks functions in place of patching system calls.
pub const HOOKED: &str = "hooked";

/// The preload backend with programs that are linked with musl, a C library of which it has no plan beforehand.
pub const MUSL: &str = "musl";

/// Returns what `roar run --tracer` calls a backend: the one that it is a variety of, or itself.
pub fn tracer(backend: &str) -> &str {
    if matches!(backend, HOOKED | MUSL) { "preload" } else { backend }
}

/// Returns the variables that roar is given for a backend.
pub fn variables(backend: &str) -> &'static [(&'static str, &'static str)] {
    match backend {
        HOOKED => &[("ROAR_PRELOAD_MODE", "hooked")],
        _ => &[],
    }
}

/// No tracer at all: shows that the programs themselves do what their cases say.
pub const BARE: &str = "bare";

/// Returns whether the backend, or what else the word names, must be able to run here.
pub fn is_required(backend: &str) -> bool {
    env::required().iter().any(|word| word == backend)
}

/// Returns whether anything is required: then a missing tool is a failure as well.
pub fn is_anything_required() -> bool {
    !env::required().is_empty()
}

/// Returns the roar under test: `ROAR_BIN`, or the newer of those in `target_dir`.
pub fn roar_binary(target_dir: &Path) -> Result<PathBuf> {
    if let Some(path) = env::roar_bin() {
        return Path::new(&path)
            .canonicalize()
            .map_err(|error| format!("ROAR_BIN {}: {error}", path.display()));
    }
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let built = ["release", "debug"].map(|profile| target_dir.join(profile).join("roar"));
    built
        .into_iter()
        .filter(|path| modified(path).is_some())
        .max_by_key(modified)
        .ok_or_else(|| format!("no roar in {}: build it, or set `ROAR_BIN`", target_dir.display()))
}

/// Returns the verdict on every test of a backend that cannot run here, or `None` if it can.
pub fn judge_availability(target_dir: &Path, backend: &'static str) -> Result<Option<Verdict>> {
    let obstacle = match roar_binary(target_dir) {
        Ok(roar) => find_obstacle(&roar, backend),
        Err(words) => Some(words),
    };
    match obstacle {
        None => Ok(None),
        Some(words) if is_required(backend) => Err(format!("{backend} is required: {words}")),
        Some(words) => Ok(Some(Verdict::Skipped(words))),
    }
}

/// Asks once in a process, and only after the backends that it tests: most processes are started for one test.
fn find_obstacle(roar: &Path, backend: &'static str) -> Option<String> {
    static ANSWERS: Mutex<BTreeMap<&str, Option<String>>> = Mutex::new(BTreeMap::new());
    let asked = if BACKENDS.contains(&backend) { backend } else { tracer(backend) };
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    answers.entry(asked).or_insert_with(|| ask(roar, asked)).clone()
}

/// Tries the backend on the smallest command there is.
fn ask(roar: &Path, backend: &str) -> Option<String> {
    let place = match tempfile::tempdir() {
        Ok(place) => place,
        Err(error) => return Some(format!("no place to try it in: {error}")),
    };
    let mut command = Command::new(roar);
    command.args([
        "run",
        "--no-hash",
        "--quiet",
        "--no-tracer-fallback",
        "--tracer",
        tracer(backend),
        "--",
        "true",
    ]);
    command.envs(variables(backend).iter().copied());
    command.current_dir(place.path()).env("HOME", place.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = match spawn(&mut command)
        .and_then(|child| child.wait_with_output().map_err(|error| error.to_string()))
    {
        Ok(output) => output,
        Err(error) => return Some(error),
    };
    let words = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&words).trim().to_owned())
}
