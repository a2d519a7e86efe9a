//! What must be the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::job::Job;
use super::names::{counted, is_of_form, without_random};
use super::trace::{Outcome, Report};
use super::world::World;

/// Fields of a file that are the backend's own business, or the moment's (docs/report-format.md).
const NOT_COMPARED: &[&str] = &["pids", "bytes_read", "bytes_written", "size"];

/// Differences that are shown of one comparison.
const SHOWN: usize = 8;

/// What differs between the files of the backends.
pub(super) struct Differences {
    pub(super) faults: Vec<String>,
    /// In a word or two.
    pub(super) words: String,
}

/// Compares how a traced run ended with how a bare one did.
pub(super) fn outcomes(job: &Job, backend: &str, bare: &Outcome, traced: &Outcome) -> Vec<String> {
    let pairs = [
        ("status", &bare.status, &traced.status),
        ("standard output", &bare.stdout, &traced.stdout),
        ("standard error", &bare.stderr, &traced.stderr),
    ];
    let faults: Vec<String> = pairs
        .into_iter()
        .filter(|(_, bare, traced)| bare != traced)
        .map(|(what, bare, traced)| format!("{backend}: its {what} is {traced:?}, and {bare:?} when bare"))
        .collect();
    match job.fails.get(backend) {
        Some(why) if faults.is_empty() => vec![format!("{backend}: it works, though {why}")],
        Some(_) => Vec::new(),
        None => faults,
    }
}

/// Compares the files of the world with those that were written down.
pub(super) fn truth(job: &Job, backend: &str, report: &Report, world: &World) -> Vec<String> {
    if job.unseen.contains_key(backend) {
        return Vec::new();
    }
    let listed = |names: &[String], role: &str| -> BTreeSet<String> {
        names.iter().flat_map(|name| counted(name)).map(|name| format!("{name} {role}")).collect()
    };
    let mut expected = listed(&job.inputs, "input");
    expected.append(&mut listed(&job.outputs, "output"));
    let found: BTreeSet<String> = report.files.iter().filter_map(|file| in_world(file, world)).collect();
    let is_other = |line: &str| {
        let below =
            |other: &String| line.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/'));
        job.others.iter().any(below)
    };
    let missing = expected.difference(&found).map(|line| format!("{backend}: not in the report: {line}"));
    let more = found.difference(&expected).filter(|line| !is_other(line));
    missing.chain(more.map(|line| format!("{backend}: in the report, and not meant: {line}"))).collect()
}

/// Returns path and role of a file in the world that was there before or is there now.
fn in_world(file: &Value, world: &World) -> Option<String> {
    let below = file["path"].as_str()?.strip_prefix(world.path().to_str()?)?.strip_prefix('/')?;
    let role = file["role"].as_str().filter(|role| ["input", "output"].contains(role))?;
    Some(format!("{below} {role}"))
}

/// Compares the gaps with those that are meant.
pub(super) fn gaps(job: &Job, backend: &str, report: &Report) -> Vec<String> {
    let expected: BTreeSet<String> = job.gaps.get(backend).into_iter().flatten().cloned().collect();
    let found: BTreeSet<String> = report.gaps.iter().map(|gap| without_random_of_gap(gap, job)).collect();
    let missing = expected.difference(&found).map(|gap| format!("{backend}: no gap {gap}"));
    let more = found.difference(&expected).map(|gap| format!("{backend}: a gap {gap}"));
    missing.chain(more).collect()
}

fn without_random_of_gap(gap: &str, job: &Job) -> String {
    let (kind, name) = gap.split_once(' ').unwrap_or((gap, ""));
    format!("{kind} {}", without_random(name, &job.random))
}

/// Compares the files of the backends that see them.
pub(super) fn files(job: &Job, reports: &[(&str, Report)]) -> Differences {
    let seeing: Vec<(&str, BTreeSet<String>)> = reports
        .iter()
        .filter(|(backend, _)| !job.unseen.contains_key(*backend))
        .map(|(backend, report)| (*backend, report.files.iter().map(|file| line(file, job)).collect()))
        .collect();
    let [(first, one), (second, other)] = seeing.as_slice() else {
        return Differences { faults: Vec::new(), words: "not compared".to_owned() };
    };
    let only = |backend: &str, lines: &BTreeSet<String>, than: &BTreeSet<String>| -> Vec<(String, String)> {
        lines.difference(than).map(|line| (backend.to_owned(), line.clone())).collect()
    };
    let mut found = only(first, one, other);
    found.extend(only(second, other, one));

    let mut faults = Vec::new();
    let explains = |index: usize, (backend, line): &(String, String)| {
        let difference = &job.differs[index];
        let path = line.split('\t').next().unwrap_or_default();
        (difference.only == "any" || difference.only == *backend) && is_of_form(path, &difference.path)
    };
    for (index, difference) in job.differs.iter().enumerate() {
        if difference.only != "any" && !found.iter().any(|one| explains(index, one)) {
            faults.push(format!("{} is no difference any more", difference.path));
        }
    }
    let unexplained: Vec<_> =
        found.iter().filter(|one| !(0..job.differs.len()).any(|index| explains(index, one))).collect();
    faults.extend(unexplained.iter().take(SHOWN).map(|(backend, line)| format!("only {backend} has {line}")));
    let words = match (found.len(), unexplained.len()) {
        (0, _) => format!("{} same", one.len()),
        (count, 0) => format!("{count} differ, as meant"),
        (_, count) => format!("{count} differ"),
    };
    Differences { faults, words }
}

/// Returns a file as a line: its path, and everything else that must be the same.
fn line(file: &Value, job: &Job) -> String {
    let mut file = file.as_object().cloned().unwrap_or_default();
    for field in NOT_COMPARED {
        file.remove(*field);
    }
    let path = match file.remove("path") {
        Some(Value::String(path)) => path,
        other => other.unwrap_or_default().to_string(),
    };
    if let Some(Value::String(from)) = file.get("renamed_from") {
        let from = without_random(from, &job.random);
        file.insert("renamed_from".to_owned(), Value::String(from));
    }
    format!("{}\t{}", without_random(&path, &job.random), Value::Object(file))
}
