//! The argument contract between `roar` and every tracer program:
//!
//! `roar-tracer-NAME --run-dir DIR --control FD --linger-ms N [--log] [--spool] [--origin CLOSED,PERSONALITY,STACK] -- COMMAND…`
//!
//! and, of a tracer that keeps its events where a later process of it finds them, to make the report of a run whose tracer was
//! killed:
//!
//! `roar-tracer-NAME --recover DIR --linger-ms N [--status S]`

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// What a tracer program is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracerArguments {
    /// Where the spool and the report go: a directory private to the run.
    pub run_dir: PathBuf,
    /// The tracer's end of the control channel.
    pub control: Option<RawFd>,
    /// How long descendants are observed after the command has ended, milliseconds.
    pub linger_ms: u64,
    /// Whether to write a debug log, to `tracer.log` in the run directory.
    pub wants_log: bool,
    /// Whether all that is seen goes into the spool as it comes, also where the tracer keeps it elsewhere: somebody carries the run directory
    /// away while the command runs.
    pub wants_spool: bool,
    /// What the command is to have, of which a tracer program with file capabilities could not know.
    pub origin: Option<Origin>,
    /// Variables that it and the command have beside those of `roar`; no part of the arguments.
    pub variables: Vec<(OsString, OsString)>,
    /// The command, never empty.
    pub command: Vec<OsString>,
}

/// What of a process changes when it executes a program that gains rights by it (execve(2), ld.so(8)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// A bit for each standard descriptor that is closed: the loader opens it.
    pub closed: u8,
    /// personality(2): some of it is cleared.
    pub personality: u32,
    /// The soft limit of the stack: it is lowered to 8 MiB.
    pub stack_bytes: u64,
}

impl Origin {
    fn to_argument(self) -> String {
        let Self { closed, personality, stack_bytes } = self;
        format!("{closed},{personality},{stack_bytes}")
    }

    fn parse(argument: Option<OsString>) -> Result<Self, ArgumentError> {
        let parse = || {
            let argument = argument?.into_string().ok()?;
            let mut numbers = argument.split(',');
            Some(Self {
                closed: numbers.next()?.parse().ok()?,
                personality: numbers.next()?.parse().ok()?,
                stack_bytes: numbers.next()?.parse().ok()?,
            })
        };
        parse().ok_or(ArgumentError::Value("--origin"))
    }
}

/// Why the arguments are not to be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// An option that does not exist.
    #[error("unknown option {0:?}")]
    Unknown(OsString),
    /// An option without its value, or with one that is not a number.
    #[error("option {0} lacks a usable value")]
    Value(&'static str),
    /// No command, or no run directory.
    #[error("missing {0}")]
    Missing(&'static str),
}

impl TracerArguments {
    /// Returns the arguments in the contract's form, without the program's name.
    pub fn to_arguments(&self) -> Vec<OsString> {
        let Self { run_dir, control, linger_ms, wants_log, wants_spool, origin, variables: _, command } =
            self;
        let mut all: Vec<OsString> = vec!["--run-dir".into(), run_dir.into()];
        if let Some(control) = control {
            all.extend(["--control".into(), control.to_string().into()]);
        }
        all.extend(["--linger-ms".into(), linger_ms.to_string().into()]);
        if *wants_log {
            all.push("--log".into());
        }
        if *wants_spool {
            all.push("--spool".into());
        }
        if let Some(origin) = origin {
            all.extend(["--origin".into(), origin.to_argument().into()]);
        }
        all.push("--".into());
        all.extend(command.iter().cloned());
        all
    }

    /// Takes the arguments apart, the program's name left out.
    ///
    /// # Errors
    /// See [`ArgumentError`].
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut parsed = Self {
            run_dir: PathBuf::new(),
            control: None,
            linger_ms: 1000,
            wants_log: false,
            wants_spool: false,
            origin: None,
            variables: Vec::new(),
            command: Vec::new(),
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some("--run-dir") => {
                    parsed.run_dir = rest.next().ok_or(ArgumentError::Value("--run-dir"))?.into();
                }
                Some("--control") => parsed.control = Some(number(rest.next(), "--control")?),
                Some("--linger-ms") => parsed.linger_ms = number(rest.next(), "--linger-ms")?,
                Some("--log") => parsed.wants_log = true,
                Some("--spool") => parsed.wants_spool = true,
                Some("--origin") => parsed.origin = Some(Origin::parse(rest.next())?),
                Some("--") => {
                    parsed.command = rest.collect();
                    break;
                }
                _ => return Err(ArgumentError::Unknown(argument)),
            }
        }
        if parsed.command.is_empty() {
            return Err(ArgumentError::Missing("-- COMMAND"));
        }
        if parsed.run_dir.as_os_str().is_empty() {
            return Err(ArgumentError::Missing("--run-dir DIR"));
        }
        Ok(parsed)
    }
}

/// What a tracer program is told that is to make the report of a run whose own tracer was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// How long descendants are observed, milliseconds.
    pub linger_ms: u64,
    /// The wait status of the command, if that is known.
    pub status: Option<i32>,
}

impl RecoveryArguments {
    /// Exit status of a tracer program that finds the command still running: there is nothing to be recovered yet.
    pub const STILL_RUNNING: u8 = 75;

    /// Returns the arguments in the contract's form, without the program's name.
    pub fn to_arguments(&self) -> Vec<OsString> {
        let Self { run_dir, linger_ms, status } = self;
        let mut all: Vec<OsString> = vec!["--recover".into(), run_dir.into()];
        all.extend(["--linger-ms".into(), linger_ms.to_string().into()]);
        if let Some(status) = status {
            all.extend(["--status".into(), status.to_string().into()]);
        }
        all
    }

    /// Takes the arguments apart, the program's name left out. `None`: they are those of a run.
    ///
    /// # Errors
    /// See [`ArgumentError`].
    pub fn parse(arguments: &[OsString]) -> Option<Result<Self, ArgumentError>> {
        let (option, rest) = arguments.split_first()?;
        (option == "--recover").then(|| Self::parse_rest(rest))
    }

    fn parse_rest(arguments: &[OsString]) -> Result<Self, ArgumentError> {
        let mut rest = arguments.iter().cloned();
        let run_dir = rest.next().ok_or(ArgumentError::Value("--recover"))?.into();
        let mut parsed = Self { run_dir, linger_ms: 0, status: None };
        while let Some(argument) = rest.next() {
            match argument.to_str() {
                Some("--linger-ms") => parsed.linger_ms = number(rest.next(), "--linger-ms")?,
                Some("--status") => parsed.status = Some(number(rest.next(), "--status")?),
                _ => return Err(ArgumentError::Unknown(argument)),
            }
        }
        Ok(parsed)
    }
}

fn number<T: std::str::FromStr>(value: Option<OsString>, option: &'static str) -> Result<T, ArgumentError> {
    value.and_then(|value| value.to_str()?.parse().ok()).ok_or(ArgumentError::Value(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_is_told_from_a_run() {
        let whole = RecoveryArguments { run_dir: "d".into(), linger_ms: 5, status: Some(-1) };
        assert_eq!(RecoveryArguments::parse(&whole.to_arguments()), Some(Ok(whole)));
        assert_eq!(RecoveryArguments::parse(&["--run-dir".into(), "--recover".into()]), None);
        let lacking = ["--recover".into(), "d".into(), "--status".into()];
        assert_eq!(RecoveryArguments::parse(&lacking), Some(Err(ArgumentError::Value("--status"))));
    }

    #[test]
    fn arguments_come_back_as_they_were_given() {
        let given = TracerArguments {
            run_dir: "/r".into(),
            control: Some(5),
            linger_ms: 20,
            wants_log: true,
            wants_spool: true,
            origin: Some(Origin { closed: 5, personality: 0x4_0000, stack_bytes: u64::MAX }),
            variables: vec![],
            command: vec!["--run-dir".into(), "--".into(), "x".into()],
        };
        assert_eq!(TracerArguments::parse(given.to_arguments()), Ok(given));
    }

    #[test]
    fn what_is_missing_is_named() {
        let parse = |words: &[&str]| TracerArguments::parse(words.iter().map(OsString::from));
        assert_eq!(parse(&["--run-dir", "/r"]), Err(ArgumentError::Missing("-- COMMAND")));
        assert_eq!(parse(&["--", "x"]), Err(ArgumentError::Missing("--run-dir DIR")));
        assert_eq!(parse(&["--control", "x"]), Err(ArgumentError::Value("--control")));
        assert_eq!(parse(&["--origin", "1,2"]), Err(ArgumentError::Value("--origin")));
        assert_eq!(parse(&["-x"]), Err(ArgumentError::Unknown("-x".into())));
    }
}
