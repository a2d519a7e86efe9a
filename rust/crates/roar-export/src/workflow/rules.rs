//! Rules in the names of the other tool.

use std::collections::BTreeSet;

use super::units::{Unit, units};
use super::{command_line, quoted_bytes, unit_name};
use crate::lineage::{Lineage, Outcome};

/// How a tool names things; `None`: it cannot.
pub(super) struct Names {
    /// A file that a rule makes.
    pub(super) output: fn(&Lineage, &[u8]) -> Option<String>,
    /// A file that no rule makes.
    pub(super) source: fn(&Lineage, &[u8]) -> Option<String>,
    /// A rule, where another depends on that.
    pub(super) rule: fn(&str) -> Option<String>,
    /// What says that a rule was carried out which updates files in place, so that these do not; `None`: they do.
    pub(super) done: fn(&str) -> Option<String>,
}

/// A rule.
pub(super) struct Rule {
    /// Its name.
    pub(super) name: String,
    /// What it depends on.
    pub(super) inputs: BTreeSet<String>,
    /// What it makes.
    pub(super) outputs: BTreeSet<String>,
    /// Those of the outputs that must be there before.
    pub(super) updated: BTreeSet<String>,
    /// Whether it sets things up, and must come before all that do not.
    pub(super) is_set_up: bool,
    /// The commands, for bash(1) in the project's directory; those first that make directories which have to be there.
    pub(super) commands: Vec<String>,
    /// What it depends on and cannot say so; in words.
    pub(super) left_out: Vec<String>,
}

/// Returns the rules, each after those that it depends on.
pub(super) fn rules(lineage: &Lineage, names: &Names) -> Vec<Rule> {
    let units = units(lineage);
    let rule = |unit: &Unit| {
        let name = unit_name(lineage, &unit.jobs);
        let mut inputs = BTreeSet::new();
        let mut left_out = Vec::new();
        for path in &unit.inputs {
            match input(lineage, &units, names, path) {
                Some(input) => drop(inputs.insert(input)),
                None => {
                    left_out.push(format!("{name} uses {}, which cannot be named there", lineage.shown(path)))
                }
            }
        }
        let named = |paths: &BTreeSet<Vec<u8>>| {
            paths.iter().filter_map(|path| (names.output)(lineage, path)).collect::<BTreeSet<_>>()
        };
        let (mut outputs, updated) = (named(&unit.outputs), named(&unit.updated));
        for path in &unit.updated {
            let shown = lineage.shown(path);
            left_out.push(format!(
                "{name} updates {shown} in place: done again, it goes on from what it has made"
            ));
        }
        if let Some(done) = (names.done)(&name).filter(|_| !unit.updated.is_empty()) {
            outputs.retain(|output| !updated.contains(output));
            outputs.insert(done);
        }
        let jobs = || unit.jobs.iter().map(|job| &lineage.jobs[*job]);
        left_out.extend(jobs().filter_map(|job| match &job.outcome {
            Outcome::Failed(how) => Some(format!("{name} ended with {how}, at which it will stop")),
            Outcome::Done | Outcome::Unknown => None,
        }));
        // What the shell had made for them to append to would grow each time.
        let is_added_to = |path: &&Vec<u8>| {
            let mut streams = jobs().flat_map(|job| &job.streams);
            !unit.updated.contains(*path) && streams.any(|stream| stream.is_append && stream.path == **path)
        };
        let removed = unit.outputs.iter().filter(is_added_to);
        let removed = removed.map(|path| quoted_bytes(lineage.below_root(path).unwrap_or(path))).collect();
        let before = [("mkdir -p", directories(lineage, unit)), ("rm -f", removed)];
        let before = before.into_iter().filter(|(_, words)| !words.is_empty());
        let before = before.map(|(command, words)| format!("{command} {}", joined(&words)));
        Rule {
            is_set_up: jobs().all(|job| job.is_set_up),
            commands: before.chain(jobs().map(|job| command_line(lineage, job))).collect(),
            name,
            inputs,
            outputs,
            updated,
            left_out,
        }
    };
    units.iter().map(rule).collect()
}

/// Returns names side by side.
pub(super) fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Returns the directories below the project's in which the commands work, or leave something.
fn directories(lineage: &Lineage, unit: &Unit) -> BTreeSet<String> {
    let jobs = || unit.jobs.iter().map(|job| &lineage.jobs[*job]);
    let all = jobs().flat_map(|job| job.directories.iter().chain([&job.cwd]));
    all.filter_map(|directory| Some(quoted_bytes(lineage.below_root(directory)?))).collect()
}

/// Returns what a rule that uses a file depends on: the file, where that cannot be named another output of the rule that makes it,
/// else that rule.
fn input(lineage: &Lineage, units: &[Unit], names: &Names, path: &[u8]) -> Option<String> {
    let Some(maker) = units.iter().find(|unit| unit.outputs.contains(path)) else {
        return (names.source)(lineage, path);
    };
    let name = unit_name(lineage, &maker.jobs);
    if maker.updated.contains(path)
        && let Some(done) = (names.done)(&name)
    {
        return Some(done);
    }
    let output = |path: &[u8]| (names.output)(lineage, path);
    let other =
        || maker.outputs.iter().filter(|path| !maker.updated.contains(*path)).find_map(|path| output(path));
    output(path).or_else(other).or_else(|| (names.rule)(&name))
}
