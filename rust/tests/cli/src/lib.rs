//! A world of its own for the `roar` program: home, working directory and environment, with everything in its answers
//! rewritten that differs from one run to the next.
//!
//! It starts the program by path, as a user would, and knows none of the other crates.
//! Begin reading at [`TestEnv`].

#![forbid(unsafe_code)]

mod rewrite;

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub use rewrite::rewrite;

/// Columns of the terminal that is not there.
const COLUMNS: &str = "110";

/// A directory with a home and a project in it, and nothing of the machine's environment.
#[derive(Debug)]
pub struct TestEnv {
    directory: TempDir,
    roar: PathBuf,
    variables: Vec<(String, String)>,
}

/// What the program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The exit status, or the signal, in words.
    pub status: String,
    /// Standard output, rewritten.
    pub stdout: String,
    /// Standard error, rewritten.
    pub stderr: String,
}

impl TestEnv {
    /// Makes one.
    ///
    /// # Panics
    /// There is no directory to make it in, or the program has not been built.
    #[must_use]
    pub fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("roar-cli-").tempdir().expect("a temporary directory");
        for name in ["home", "project", "tmp"] {
            fs::create_dir(directory.path().join(name)).expect("a directory in a new one");
        }
        Self { directory, roar: newest_roar(), variables: Vec::new() }
    }

    /// Sets a variable for all that is run later.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Returns the working directory.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.real().join("project")
    }

    /// Returns the home directory.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.real().join("home")
    }

    /// Writes a file of the project.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("its directory");
        fs::write(path, content).expect("the file");
    }

    /// Reads a file of the project.
    ///
    /// # Panics
    /// It is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).expect("the file")
    }

    /// Returns the program, about to be run in the project.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.roar);
        command
            .current_dir(self.project())
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.real().join("tmp"))
            .env("PATH", "/usr/bin:/bin")
            .env("COLUMNS", COLUMNS)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn roar<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Answer {
        self.answer(&self.command().args(arguments).output().expect("the program starts"))
    }

    /// Runs the program with the words of a line.
    pub fn line(&self, line: &str) -> Answer {
        self.roar(line.split(' '))
    }

    /// Returns an answer, rewritten.
    #[must_use]
    pub fn answer(&self, output: &Output) -> Answer {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            rewrite(&text.replace(&*self.real().to_string_lossy(), "[DIR]"))
        };
        let status = match output.status.code() {
            Some(code) => code.to_string(),
            None => output.status.to_string(),
        };
        Answer { status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    fn real(&self) -> PathBuf {
        self.directory.path().canonicalize().expect("the directory is there")
    }
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr } = self;
        writeln!(f, "status: {status}")?;
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                writeln!(f, "----- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Returns the program that was built last: this one is a test, and may be of another profile than the programs.
fn newest_roar() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    // target/PROFILE/deps/TEST
    let target = test.ancestors().nth(3).expect("a test is below the target directory");
    let built = |profile: &str| {
        let roar = target.join(profile).join("roar");
        Some((fs::metadata(&roar).ok()?.modified().ok()?, roar))
    };
    let newest = ["debug", "release"].into_iter().filter_map(built).max();
    newest.expect("`roar` is built: run `cargo build -p roar -p tracer-ptrace`").1
}
