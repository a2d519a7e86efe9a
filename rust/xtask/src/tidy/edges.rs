//! Which crate may depend on which: the arrows of ARCHITECTURE.md, as data.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::cmd;

use super::Breach;
use crate::workspace;

/// Every crate of the workspace and the crates of the workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tracer-schema", &[]),
    ("tracer-fd", &["tracer-schema"]),
    ("tracer-syscalls", &["tracer-schema"]),
    ("tracer-host", &["tracer-schema", "tracer-fd"]),
    ("tracer-ptrace", &["tracer-schema", "tracer-fd", "tracer-syscalls", "tracer-host"]),
    ("tracer-preload-journal", &[]),
    (
        "tracer-preload",
        &["tracer-schema", "tracer-fd", "tracer-syscalls", "tracer-host", "tracer-preload-journal"],
    ),
    ("tracer-ebpf-abi", &[]),
    ("tracer-ebpf", &["tracer-schema", "tracer-fd", "tracer-syscalls", "tracer-host", "tracer-ebpf-abi"]),
    ("tracer-preload-library", &["tracer-syscalls", "tracer-preload-journal"]),
    ("roar-config", &[]),
    ("roar-hash", &["tracer-schema"]),
    ("roar-context", &["tracer-schema"]),
    ("roar-store", &["tracer-schema"]),
    ("roar-dag", &[]),
    ("roar-lineage", &["tracer-schema", "roar-hash", "roar-store", "roar-context", "roar-dag"]),
    ("roar-export", &[]),
    ("roar-fragments", &[]),
    ("roar-layout", &[]),
    (
        "roar-run",
        &[
            "tracer-schema",
            "tracer-fd",
            "tracer-host",
            "roar-config",
            "roar-fragments",
            "roar-hash",
            "roar-store",
            "roar-context",
        ],
    ),
    (
        "roar",
        &[
            "tracer-schema",
            "tracer-host",
            "roar-run",
            "roar-config",
            "roar-hash",
            "roar-store",
            "roar-dag",
            "roar-layout",
            "roar-lineage",
            "roar-export",
        ],
    ),
    // Tests start programs by path and read what they write, as a user would.
    ("conformance", &[]),
    ("agree", &["conformance"]),
    ("cli-tests", &[]),
    ("xtask", &[]),
];

pub(super) fn check(found: &mut Vec<Breach>) -> Result<()> {
    let shell = workspace::shell()?;
    let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps --offline").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    for package in metadata["packages"].as_array().context("cargo metadata names no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let ours = dependencies.filter(|dependency| dependency["path"].is_string());
        for on in ours.filter_map(|dependency| dependency["name"].as_str()) {
            if let Some(what) = judge(name, on) {
                let path = manifest.strip_prefix(workspace::checkout()).unwrap_or(manifest);
                found.push(Breach { path: path.to_owned(), line: 0, what });
            }
        }
    }
    Ok(())
}

/// Says what is wrong with the arrow from `from` to `on`.
fn judge(from: &str, on: &str) -> Option<String> {
    if from.starts_with("tracer-") && !on.starts_with("tracer-") {
        return Some(format!("{from} depends on {on}: tracers know nothing of roar"));
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == from) else {
        return Some(format!("{from} is not in the list of xtask/src/tidy/edges.rs"));
    };
    (!allowed.contains(&on)).then(|| format!("{from} may not depend on {on}"))
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, judge};

    #[test]
    fn a_tracer_never_knows_roar() {
        assert!(judge("tracer-fd", "roar-store").is_some());
        assert!(judge("tracer-fd", "tracer-schema").is_none());
        assert!(judge("roar-dag", "roar-store").is_some());
        assert!(judge("newcomer", "roar-dag").is_some());
    }

    #[test]
    fn the_list_itself_has_no_arrow_from_a_tracer_to_roar() {
        for (from, allowed) in ALLOWED {
            assert!(!from.starts_with("tracer-") || allowed.iter().all(|on| on.starts_with("tracer-")));
        }
    }
}
