//! One run of cargo-nextest, whose output passes through so that its closing line can be said again on standard output.

use std::io::{self, BufRead, BufReader, IsTerminal};
use std::process::{ChildStderr, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{env, workspace};

/// Tests that run at a time, for each processor.
const TESTS_PER_PROCESSOR: usize = 2;

/// What is going to be run.
pub(crate) struct Nextest {
    command: Command,
}

impl Nextest {
    pub(crate) fn new<'a>(scope: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = Command::new("cargo");
        command.args(["nextest", "run", "--locked", "--no-fail-fast"]).args(scope);
        command.current_dir(workspace::root());
        // Most tests wait for processes for half of their time.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        command.env(env::TEST_THREADS, (TESTS_PER_PROCESSOR * processors).to_string());
        Self { command }
    }

    pub(crate) fn args(mut self, extra: &[String]) -> Self {
        self.command.args(extra);
        self
    }

    /// Gives the tests a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Makes it a failure instead of a skip where something of this list is not here.
    pub(crate) fn require(mut self, words: &str) -> Self {
        self.command.env(env::REQUIRED, words);
        self
    }

    /// Runs it to its end. nextest reports on standard error; where that is no terminal, its summary is repeated on
    /// standard output, which is what a caller keeps.
    pub(crate) fn run(mut self) -> Result<()> {
        let is_watched = io::stderr().is_terminal();
        if !is_watched {
            self.command.stderr(Stdio::piped());
        }
        let mut child = self.command.spawn().context("failed to start cargo; is cargo-nextest installed?")?;
        if let Some(stderr) = child.stderr.take()
            && let Some(summary) = pass_through(stderr)?
        {
            println!("{summary}");
        }
        let status = child.wait().context("failed to wait for nextest")?;
        if !status.success() {
            bail!("tests failed ({status})");
        }
        Ok(())
    }
}

/// Copies what nextest says and returns its summary line.
fn pass_through(stderr: ChildStderr) -> Result<Option<String>> {
    let mut summary = None;
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.context("failed to read what nextest says")?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        if line.trim_start().starts_with("Summary [") {
            summary = Some(line.trim().to_owned());
        }
    }
    Ok(summary)
}
