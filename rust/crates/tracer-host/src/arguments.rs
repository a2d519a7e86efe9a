//! The argument contract between `roar` and every tracer program:
//!
//! `roar-tracer-NAME --run-dir DIR --control FD --linger-ms N [--log] -- COMMAND…`

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
    /// The command, never empty.
    pub command: Vec<OsString>,
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
        let Self { run_dir, control, linger_ms, wants_log, command } = self;
        let mut all: Vec<OsString> = vec!["--run-dir".into(), run_dir.into()];
        if let Some(control) = control {
            all.extend(["--control".into(), control.to_string().into()]);
        }
        all.extend(["--linger-ms".into(), linger_ms.to_string().into()]);
        if *wants_log {
            all.push("--log".into());
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

fn number<T: std::str::FromStr>(value: Option<OsString>, option: &'static str) -> Result<T, ArgumentError> {
    value.and_then(|value| value.to_str()?.parse().ok()).ok_or(ArgumentError::Value(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_back_as_they_were_given() {
        let given = TracerArguments {
            run_dir: "/r".into(),
            control: Some(5),
            linger_ms: 20,
            wants_log: true,
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
        assert_eq!(parse(&["-x"]), Err(ArgumentError::Unknown("-x".into())));
    }
}
