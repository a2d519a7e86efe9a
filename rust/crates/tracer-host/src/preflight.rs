//! Preflight: may this backend be used here? Asked by `roar`, answered by the tracer program itself, by trying:
//!
//! `roar-tracer-NAME --check [--run-dir DIR] [-- COMMAND…]`
//!
//! The answer is text on standard output, a line as soon as it is known, so that also one who hangs has said what he was at:
//!
//! ```text
//! roar.preflight/1 ptrace
//! trying<TAB>what is about to be tried
//! met|suspect|unmet<TAB>name<TAB>what was found<TAB>what is needed<TAB>what to do
//! end
//! ```
//!
//! Begin reading at [`Checklist`] for the tracers' side and at [`ask()`] for the other.

mod ask;
mod machine;
mod target;
mod trial;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::arguments::ArgumentError;

pub use ask::{Answer, End, ask, ask_by};
pub use machine::{CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, Machine, errno_words};
pub use target::{Nature, Target};

/// First word of an answer, with the number of its format.
const FORMAT: &str = "roar.preflight/1";

/// The option by which a tracer program is asked.
const OPTION: &str = "--check";

/// Exit status of a tracer program that cannot be used.
const UNUSABLE_STATUS: u8 = 1;

/// How a fact bears on the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// It is as it has to be.
    Met,
    /// It is not, and explains why something fails, if it does.
    Suspect,
    /// It was tried, and fails.
    Unmet,
}

impl Bearing {
    const ALL: [Self; 3] = [Self::Met, Self::Suspect, Self::Unmet];

    /// Returns the word in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Suspect => "suspect",
            Self::Unmet => "unmet",
        }
    }
}

/// One thing that was looked at, or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about, in a word or two.
    pub name: String,
    /// How it bears on the answer.
    pub bearing: Bearing,
    /// What was found.
    pub found: String,
    /// What is needed; empty where nothing is.
    pub needed: String,
    /// What to do about it; empty where nothing can be done, or need be.
    pub remedy: String,
}

impl Fact {
    /// Returns a fact that is as it has to be.
    pub fn met(name: &str, found: impl Into<String>, needed: &str) -> Self {
        Self::new(name, Bearing::Met, found.into(), needed, "")
    }

    /// Returns a fact that is met, or else explains a failure.
    pub fn explaining(
        name: &str,
        is_met: bool,
        found: impl Into<String>,
        needed: &str,
        remedy: &str,
    ) -> Self {
        let bearing = if is_met { Bearing::Met } else { Bearing::Suspect };
        Self::new(name, bearing, found.into(), needed, if is_met { "" } else { remedy })
    }

    /// Returns a fact that decides.
    pub fn deciding(name: &str, is_met: bool, found: impl Into<String>, needed: &str, remedy: &str) -> Self {
        let bearing = if is_met { Bearing::Met } else { Bearing::Unmet };
        Self::new(name, bearing, found.into(), needed, if is_met { "" } else { remedy })
    }

    fn new(name: &str, bearing: Bearing, found: String, needed: &str, remedy: &str) -> Self {
        Self { name: name.to_owned(), bearing, found, needed: needed.to_owned(), remedy: remedy.to_owned() }
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let word = fields.next()?;
        let bearing = Bearing::ALL.into_iter().find(|bearing| bearing.name() == word)?;
        let mut next = || fields.next().map(str::to_owned);
        Some(Self { bearing, name: next()?, found: next()?, needed: next()?, remedy: next()? })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bearing, found, needed, remedy } = self;
        let bearing = bearing.name();
        write!(f, "{bearing}\t{}\t{}\t{}\t{}", field(name), field(found), field(needed), field(remedy))
    }
}

/// Returns a text that fits between two tabs of a line. Paths may hold anything.
fn field(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(plain).collect()
}

/// What a tracer program is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckArguments {
    /// A directory of the asker's for what is tried; without one the tracer makes its own.
    pub run_dir: Option<PathBuf>,
    /// The command that is to be traced, if that is asked as well.
    pub command: Vec<OsString>,
}

impl CheckArguments {
    /// Returns the arguments in the contract's form, without the program's name.
    pub fn to_arguments(&self) -> Vec<OsString> {
        let Self { run_dir, command } = self;
        let mut all: Vec<OsString> = vec![OPTION.into()];
        if let Some(run_dir) = run_dir {
            all.extend(["--run-dir".into(), run_dir.into()]);
        }
        if !command.is_empty() {
            all.push("--".into());
            all.extend(command.iter().cloned());
        }
        all
    }

    /// Takes the arguments apart, the program's name left out. `None`: they are not a question.
    ///
    /// # Errors
    /// See [`ArgumentError`].
    pub fn parse(arguments: &[OsString]) -> Option<Result<Self, ArgumentError>> {
        let (option, rest) = arguments.split_first()?;
        (option == OPTION).then(|| Self::parse_rest(rest))
    }

    fn parse_rest(arguments: &[OsString]) -> Result<Self, ArgumentError> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter().cloned();
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some("--run-dir") => {
                    parsed.run_dir = Some(rest.next().ok_or(ArgumentError::Value("--run-dir"))?.into());
                }
                Some("--") => {
                    parsed.command = rest.collect();
                    break;
                }
                _ => return Err(ArgumentError::Unknown(argument)),
            }
        }
        Ok(parsed)
    }
}

/// An answer that is being given.
#[derive(Debug)]
pub struct Checklist<W> {
    out: W,
    is_usable: bool,
}

impl<W: Write> Checklist<W> {
    /// Begins an answer of a backend.
    pub fn begin(out: W, backend: &str) -> Self {
        let mut list = Self { out, is_usable: true };
        list.line(&format!("{FORMAT} {backend}"));
        list
    }

    fn line(&mut self, line: &str) {
        // Whoever does not listen any more has no use for the answer.
        let _deaf = self.out.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.out.flush());
    }

    /// Tells a fact.
    pub fn tell(&mut self, fact: &Fact) {
        self.is_usable &= fact.bearing != Bearing::Unmet;
        self.line(&fact.to_string());
    }

    /// Tells what is about to be tried.
    pub fn trying(&mut self, what: &str) {
        self.line(&format!("trying\t{}", field(what)));
    }

    /// Runs a small command as `trace` runs any, and tells how that went; `remedy`: what to do if it fails.
    pub fn try_out(
        &mut self,
        arguments: &CheckArguments,
        remedy: &str,
        trace: impl FnOnce(&crate::TracerArguments) -> io::Result<()>,
    ) {
        self.trying("to trace a shell that makes a child");
        let fact = trial::trial(arguments.run_dir.as_deref(), remedy, trace);
        self.tell(&fact);
    }

    /// Tells what the command is.
    pub fn target(&mut self, arguments: &CheckArguments, judge: impl Fn(&Target) -> Fact) {
        if let Some(name) = arguments.command.first() {
            self.trying("to find the command");
            let fact = Target::find(name).map_or_else(|absent| absent, |target| judge(&target));
            self.tell(&fact);
        }
    }

    /// Ends the answer, and returns the exit status.
    pub fn end(mut self) -> ExitCode {
        self.line("end");
        if self.is_usable { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE_STATUS) }
    }
}

#[cfg(test)]
mod tests;
