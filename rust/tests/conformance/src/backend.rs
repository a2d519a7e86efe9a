//! The backends under test, and the roar that runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Result;
use crate::world::spawn;

/// Backends that `roar run --tracer` knows. A new one is one word here.
pub const BACKENDS: [&str; 1] = ["ptrace"];

/// No tracer at all: shows that the programs themselves do what their cases say.
pub const BARE: &str = "bare";

/// Returns whether `ROAR_REQUIRE` (words, with commas between) names the backend: then it must run here. The word `kernel`
/// there means that the kernel and its file systems must be able to do all that the programs show.
pub fn is_required(backend: &str) -> bool {
    std::env::var("ROAR_REQUIRE").is_ok_and(|names| names.split(',').any(|name| name == backend))
}

/// Returns whether anything is required: then a missing tool is a failure as well.
pub fn is_anything_required() -> bool {
    std::env::var_os("ROAR_REQUIRE").is_some_and(|names| !names.is_empty())
}

/// Returns the roar under test: `ROAR_BIN`, or the newer of those in `target_dir`.
pub fn roar_binary(target_dir: &Path) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("ROAR_BIN") {
        return Path::new(&path).canonicalize().map_err(|error| format!("ROAR_BIN {}: {error}", path.display()));
    }
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let built = ["release", "debug"].map(|profile| target_dir.join(profile).join("roar"));
    built
        .into_iter()
        .filter(|path| modified(path).is_some())
        .max_by_key(modified)
        .ok_or_else(|| format!("no roar in {}: build it, or set `ROAR_BIN`", target_dir.display()))
}

/// Returns why the backend cannot run here, or `None` if it can.
pub fn find_obstacle(roar: &Path, backend: &'static str) -> Option<String> {
    static ANSWERS: OnceLock<Vec<(&str, Option<String>)>> = OnceLock::new();
    let answers = ANSWERS.get_or_init(|| BACKENDS.map(|name| (name, ask(roar, name))).to_vec());
    answers.iter().find(|(name, _)| *name == backend).and_then(|(_, answer)| answer.clone())
}

fn ask(roar: &Path, backend: &str) -> Option<String> {
    let mut command = Command::new(roar);
    command.args(["tracer", "check", backend]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = match spawn(&mut command).and_then(|child| child.wait_with_output().map_err(|error| error.to_string())) {
        Ok(output) => output,
        Err(error) => return Some(error),
    };
    let words = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&words).trim().to_owned())
}
