//! `cargo xtask tidy`: the house rules that clippy cannot know. It is a test as well, so that `nextest` finds a breach.
//!
//! Each rule is a function from a file, or from the workspace, to breaches. A rule reads text; it does not try to
//! understand Rust beyond telling code, strings and comments apart.

mod changelog;
mod edges;
mod rules;
mod source;
mod text;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::flags::Flags;
use crate::{probe, workspace};

/// Folders that are not part of the project's sources, wherever they stand.
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", ".roar", "__pycache__"];

/// One place where a rule is broken.
struct Breach {
    /// Relative to the checkout.
    path: PathBuf,
    /// 0 for the file as a whole.
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what } = self;
        match line {
            0 => write!(f, "{}: {what}", path.display()),
            line => write!(f, "{}:{line}: {what}", path.display()),
        }
    }
}

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    all()
}

/// Checks everything and fails with the list of breaches.
pub(crate) fn all() -> Result<()> {
    let breaches = breaches(workspace::checkout())?;
    if breaches.is_empty() {
        return Ok(());
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    bail!("{} breaches of the house rules", breaches.len())
}

fn breaches(checkout: &Path) -> Result<Vec<Breach>> {
    let mut found = Vec::new();
    let mut paths = Vec::new();
    list(checkout, Path::new(""), &mut paths)?;
    paths.sort();
    for path in paths {
        let bytes = fs::read(checkout.join(&path)).with_context(|| path.display().to_string())?;
        // What is not UTF-8 is a fixture, and no rule speaks of those.
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        text::check(&path, &text, &mut found);
        if path.extension().is_some_and(|extension| extension == "rs") {
            rules::check(&path, &text, &mut found);
        }
    }
    kernel_side(&mut found)?;
    edges::check(&mut found)?;
    changelog::check(checkout, &mut found)?;
    Ok(found)
}

/// Lists the regular files below `folder`, relative to `checkout`.
fn list(checkout: &Path, folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let here = checkout.join(folder);
    for entry in fs::read_dir(&here).with_context(|| here.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        // In a worktree `.git` is a file.
        if SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let kind = entry.file_type()?;
        let below = folder.join(&name);
        // A linked work tree has a file in the place of the first of them.
        if SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if kind.is_dir() {
            list(checkout, &below, into)?;
        } else if kind.is_file() {
            into.push(below);
        }
    }
    Ok(())
}

/// The compiled kernel side of the eBPF tracer is that of the sources beside it.
fn kernel_side(found: &mut Vec<Breach>) -> Result<()> {
    let faults = probe::faults(&workspace::shell()?)?;
    found.extend(faults.into_iter().map(|name| Breach {
        path: Path::new("rust/tracers/ebpf").join(name),
        line: 0,
        what: "not as in object/MANIFEST: `cargo xtask probe` compiles the kernel side anew".to_owned(),
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::breaches;
    use crate::workspace;

    #[test]
    fn the_house_rules_hold() {
        let breaches = breaches(workspace::checkout()).unwrap();
        let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
