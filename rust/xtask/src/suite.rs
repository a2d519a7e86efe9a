//! A program of the conformance suite, where cargo or nextest is not what runs it.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::Cmd;

/// What the suite said at its end.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Outcome {
    /// Adds what another run of it said.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { passed, failed, skipped } = other;
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(out, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Builds one of the suite's programs by this cargo command and returns its path, whose name cargo chooses.
pub(crate) fn program(cargo_test: Cmd<'_>, name: &str) -> Result<PathBuf> {
    let words =
        ["--no-run", "--package", "conformance", "--message-format=json-render-diagnostics", "--test"];
    let messages = cargo_test.args(words).arg(name).read()?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    executable.context("cargo named no program of the conformance suite")
}

/// Runs such a program, passes on what it says, and counts.
pub(crate) fn run(command: Cmd<'_>) -> Result<Outcome> {
    let mut child = Command::from(command).stdout(Stdio::piped()).spawn().context("failed to start it")?;
    let mut outcome = None;
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.context("failed to read what the suite says")?;
        if is_news(&line) {
            println!("{line}");
        }
        outcome = parse(&line).or(outcome);
    }
    let status = child.wait().context("failed to wait for the suite")?;
    outcome.with_context(|| format!("the suite did not come to its end ({status})"))
}

/// Returns whether a line is about more than a case that is as it should be: there are hundreds.
pub(crate) fn is_news(line: &str) -> bool {
    !(line.starts_with("test ") && (line.ends_with(" ok") || line.contains(" ignored")))
}

/// Reads `test result: ok. 12 passed; 0 failed; 3 ignored; …`.
pub(crate) fn parse(line: &str) -> Option<Outcome> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        let part = counts.split("; ").find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse().ok()
    };
    Some(Outcome { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_closing_line_is_counted() {
        let line = "test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; 4 filtered out; finished in 2.00s";
        let outcome = parse(line).unwrap();
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (12, 1, 3));
        assert!(parse("test ptrace::read ... ok").is_none());
    }
}
