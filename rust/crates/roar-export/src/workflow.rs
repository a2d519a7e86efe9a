//! Lineage as rules of a pipeline: DVC's and make's.
//!
//! Lineage is of contents, and rules are of paths: a path is made by one rule, and once. Jobs that wrote the same path are
//! hence one rule, together with those that must come between them.

mod dvc;
mod make;
mod rules;
mod units;

pub use dvc::dvc;
pub use make::make;

use std::fmt;

use crate::lineage::{Job, Lineage, Stream};
use crate::text;

/// A file for another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file.
    pub text: String,
    /// What it does not say, in words.
    pub left_out: Vec<String>,
}

/// Returns a job's command as bash(1) runs it from the project's directory, with the variables whose values are recorded.
fn command_line(lineage: &Lineage, job: &Job) -> String {
    let mut line = String::new();
    if job.cwd != lineage.root {
        let directory = lineage.below_root(&job.cwd).unwrap_or(&job.cwd);
        push(&mut line, format_args!("cd {} && ", quoted(&text::lossy(directory))));
    }
    let can_be_said = |name: &str, value: &str| {
        let is_name = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
        is_name && !value.chars().any(char::is_control)
    };
    for variable in job.environment.iter().filter(|variable| can_be_said(&variable.name, &variable.value)) {
        push(&mut line, format_args!("{}={} ", variable.name, quoted(&variable.value)));
    }
    line.push_str(&job.command_line);
    redirect(&mut line, lineage, job);
    line
}

/// Adds what the standard streams were, which the caller's shell had opened.
fn redirect(line: &mut String, lineage: &Lineage, job: &Job) {
    let mut stdout = None;
    for Stream { fd, path, is_append } in &job.streams {
        if *fd == 2 && stdout == Some(path) {
            line.push_str(" 2>&1");
            continue;
        }
        let sign = match (fd, is_append) {
            (0, _) => "<",
            (1, false) => ">",
            (1, true) => ">>",
            (_, false) => "2>",
            (_, true) => "2>>",
        };
        push(line, format_args!(" {sign} {}", quoted_bytes(&seen_from(lineage, &job.cwd, path))));
        if *fd == 1 {
            stdout = Some(path);
        }
    }
}

/// Returns a path as it is from a directory, if both are in the project.
fn seen_from(lineage: &Lineage, directory: &[u8], path: &[u8]) -> Vec<u8> {
    let Some(below) = lineage.below_root(path) else {
        return path.to_vec();
    };
    let up = match lineage.below_root(directory) {
        Some(directory) => directory.split(|byte| *byte == b'/').count(),
        None if directory == lineage.root => 0,
        None => return path.to_vec(),
    };
    [b"../".repeat(up).as_slice(), below].concat()
}

/// Returns bytes as one word for bash(1).
fn quoted_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => quoted(text),
        Ok(_) | Err(_) => {
            let codes: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
            format!("$'{codes}'")
        }
    }
}

/// Adds to a text.
fn push(text: &mut String, more: fmt::Arguments<'_>) {
    fmt::Write::write_fmt(text, more).expect("a string takes what is written to it");
}

/// Returns text as one word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Returns the steps of jobs for a name: `step-3`, `steps-1-4`. Jobs of several sessions may have the same numbers: then they are
/// numbered anew.
fn unit_name(lineage: &Lineage, jobs: &[usize]) -> String {
    let is_unique = |step: u64| lineage.jobs.iter().filter(|job| job.step == step).count() == 1;
    let are_unique = lineage.jobs.iter().all(|job| is_unique(job.step));
    let number = |job: &usize| if are_unique { lineage.jobs[*job].step } else { *job as u64 + 1 };
    let steps: Vec<String> = jobs.iter().map(|job| number(job).to_string()).collect();
    format!("step{}-{}", if steps.len() == 1 { "" } else { "s" }, steps.join("-"))
}

/// Returns the first line of the file.
fn heading(lineage: &Lineage) -> String {
    format!("# Written by roar {} at {}.\n", lineage.version, lineage.exported_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_run_where_it_was_and_with_the_same_streams() {
        let lineage = Lineage { root: b"/p".to_vec(), ..Lineage::default() };
        let stream = |fd, path: &[u8], is_append| Stream { fd, path: path.to_vec(), is_append };
        let job = Job {
            command_line: "sort".to_owned(),
            cwd: b"/p/a b/c".to_vec(),
            streams: vec![
                stream(0, b"/p/in", false),
                stream(1, b"/p/a b/out", true),
                stream(2, b"/p/a b/out", true),
            ],
            ..Job::default()
        };
        assert_eq!(command_line(&lineage, &job), "cd 'a b/c' && sort < ../../in >> '../../a b/out' 2>&1");
        let job = Job { streams: vec![stream(2, b"/q/bad\xff", false)], cwd: b"/p".to_vec(), ..job };
        assert_eq!(command_line(&lineage, &job), "sort 2> $'\\057\\161\\057\\142\\141\\144\\377'");
    }
}
