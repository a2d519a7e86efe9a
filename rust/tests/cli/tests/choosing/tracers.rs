//! A folder of tracer programs, some of which are not what they should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use cli_tests::{Answer, TestEnv};
use serde_json::Value;

/// A project, and the tracers that roar finds there.
pub(crate) struct Tracers {
    pub(crate) env: TestEnv,
}

impl Tracers {
    /// Begins with none.
    pub(crate) fn none() -> Self {
        let mut env = TestEnv::new();
        let folder = env.home().join("tracers");
        fs::create_dir(&folder).unwrap();
        env.set("ROAR_TRACERS", &folder.to_string_lossy());
        env.line("init");
        Self { env }
    }

    /// Puts the real one there.
    pub(crate) fn real(self, backend: &str) -> Self {
        symlink(self.real_path(backend), self.path(backend)).unwrap();
        self
    }

    /// Puts a script there, in which REAL is the real one and ASKED a file that says how often it was asked.
    pub(crate) fn script(self, backend: &str, script: &str) -> Self {
        let real = self.real_path(backend);
        let script = script
            .replace("REAL", &real.to_string_lossy())
            .replace("ASKED", &self.asked_path(backend).to_string_lossy())
            .replace("CONFINE", &format!("python3 -I {}/confine.py", env!("CARGO_MANIFEST_DIR")));
        fs::write(self.path(backend), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.path(backend), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Puts a program there that answers so when it is asked.
    pub(crate) fn answering(self, backend: &str, lines: &[&str]) -> Self {
        let lines = lines.join("\n").replace('\t', "\\t");
        self.script(backend, &format!("printf '%b\\n' 'roar.preflight/1 {backend}' '{lines}' end"))
    }

    fn real_path(&self, backend: &str) -> PathBuf {
        let roar = self.env.command();
        Path::new(roar.get_program()).with_file_name(format!("roar-tracer-{backend}"))
    }

    pub(crate) fn path(&self, backend: &str) -> PathBuf {
        self.env.home().join(format!("tracers/roar-tracer-{backend}"))
    }

    fn asked_path(&self, backend: &str) -> PathBuf {
        self.env.home().join(format!("asked-{backend}"))
    }

    /// How often a script has noted that it was asked.
    pub(crate) fn asked(&self, backend: &str) -> usize {
        fs::read_to_string(self.asked_path(backend)).unwrap_or_default().lines().count()
    }

    /// Runs a command that leaves a line each time it runs, and returns the answer and the report.
    pub(crate) fn run(&self, options: &[&str]) -> (Answer, Value) {
        let report = self.env.home().join("report.json");
        // There need not be one.
        let _none = fs::remove_file(&report);
        let report_words = ["--report", report.to_str().unwrap()];
        let command = ["--", "/bin/sh", "-c", "echo ran >> ran.txt"];
        let words = ["run"].iter().chain(options).chain(&report_words).chain(&command);
        let answer = self.env.roar(words);
        let report = fs::read(&report).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        (answer, report.unwrap_or(Value::Null))
    }

    /// How often the command has run.
    pub(crate) fn runs(&self) -> usize {
        fs::read_to_string(self.env.project().join("ran.txt")).unwrap_or_default().lines().count()
    }
}

/// Returns why a backend was passed over, by the report of a run.
pub(crate) fn reason(report: &Value, backend: &str) -> String {
    let passed_over = report["tracer"]["fell_back_from"].as_array().cloned().unwrap_or_default();
    let one = passed_over.iter().find(|one| one["backend"] == backend);
    one.map(|one| one["reason"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// Returns words of the program that the page on troubleshooting has as well, word for word.
pub(crate) fn documented(words: &str) -> &str {
    let page = include_str!("../../../../../docs/troubleshooting.md");
    assert!(page.contains(words), "docs/troubleshooting.md does not have: {words}");
    words
}
