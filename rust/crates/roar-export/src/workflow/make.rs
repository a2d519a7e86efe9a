//! A Makefile, for GNU make 4.3 or later: rules of several targets (`&:`) are needed.

use std::collections::BTreeSet;

use super::rules::{Names, Rule, joined, rules};
use super::{Script, heading, push};
use crate::lineage::Lineage;

/// Signs that mean something in the name of a target or a prerequisite, and that nothing can take the meaning from.
const IMPOSSIBLE: &[char] = &['\\', '%', ';', '|', '&'];

const NAMES: Names = Names {
    output: file_name,
    source: file_name,
    rule: |name| Some(name.to_owned()),
    done: |name| Some(done(name)),
};

/// Returns the file, for the project's directory.
pub fn make(lineage: &Lineage) -> Script {
    let rules = rules(lineage, &NAMES);
    let mut text = heading(lineage);
    text.push_str("SHELL := /bin/bash\neq := =\n.DELETE_ON_ERROR:\n\n");
    // A name that no file of a rule has.
    let is_taken =
        |name: &String| rules.iter().any(|rule| rule.outputs.contains(name) || rule.inputs.contains(name));
    let mut all = "all".to_owned();
    while is_taken(&all) {
        all.push('_');
    }
    push(&mut text, format_args!(".PHONY: {all}\n{all}: {}\n", goals(lineage, &rules).join(" ")));
    let set_up: Vec<&str> = rules.iter().filter(|rule| rule.is_set_up).map(stands_for).collect();
    for Rule { name, inputs, outputs, updated, is_set_up, commands, left_out: _ } in &rules {
        let targets = match outputs.len() {
            0 => format!(".PHONY: {name}\n{name}:"),
            1 => format!("{}:", joined(outputs)),
            _ => format!("{} &:", joined(outputs)),
        };
        let before =
            if *is_set_up || set_up.is_empty() { String::new() } else { format!(" | {}", set_up.join(" ")) };
        push(&mut text, format_args!("\n{}{before}\n", format!("{targets} {}", joined(inputs)).trim_end()));
        for command in commands {
            push(&mut text, format_args!("\t{}\n", recipe(command)));
        }
        if !updated.is_empty() {
            push(&mut text, format_args!("\ttouch {}\n", done(name)));
        }
    }
    Script { text, left_out: rules.into_iter().flat_map(|rule| rule.left_out).collect() }
}

/// Returns the file that says that a rule was carried out which updates files in place.
fn done(rule: &str) -> String {
    format!("{rule}.done")
}

/// Returns a name that stands for a rule among those that another depends on.
fn stands_for(rule: &Rule) -> &str {
    rule.outputs.first().unwrap_or(&rule.name)
}

/// Returns what is to be made: the targets, or what the last rule makes where that leaves nothing.
fn goals(lineage: &Lineage, rules: &[Rule]) -> Vec<String> {
    let targets = lineage.targets.iter().filter_map(|target| file_name(lineage, &target.path));
    let goal = |name: String| {
        let updates = |rule: &&Rule| rule.updated.contains(&name);
        match rules.iter().find(updates) {
            Some(rule) => Some(done(&rule.name)),
            None => rules.iter().any(|rule| rule.outputs.contains(&name)).then_some(name),
        }
    };
    let goals: BTreeSet<String> = targets.filter_map(goal).collect();
    let goals: Vec<String> = goals.into_iter().collect();
    match (goals.is_empty(), rules.last()) {
        (true, Some(last)) if last.outputs.is_empty() => vec![last.name.clone()],
        (true, Some(last)) => last.outputs.iter().cloned().collect(),
        (true, None) | (false, _) => goals,
    }
}

/// Returns a path as make reads it.
fn file_name(lineage: &Lineage, path: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(lineage.below_root(path).unwrap_or(path)).ok()?;
    let is_archive_member = text.ends_with(')') && text.contains('(');
    if is_archive_member || text.chars().any(|char| char.is_control() || IMPOSSIBLE.contains(&char)) {
        return None;
    }
    // A tilde would be a home directory, a point could make a special target.
    let mut name = String::from(if text.starts_with(['~', '.']) { "./" } else { "" });
    for character in text.chars() {
        match character {
            ' ' | '#' | ':' | '*' | '?' | '[' | ']' => name.extend(['\\', character]),
            '$' => name.push_str("$$"),
            '=' => name.push_str("$(eq)"),
            character => name.push(character),
        }
    }
    Some(name)
}

/// Returns a command as it stands in a recipe.
fn recipe(line: &str) -> String {
    // These would tell make how to run the command.
    let guard = if line.starts_with(['@', '-', '+']) { "\\" } else { "" };
    format!("{guard}{}", line.replace('$', "$$"))
}
