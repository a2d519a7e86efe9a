//! What is said when a command cannot do what it was asked for.

use std::error::Error;
use std::fmt;

use roar_config::ConfigError;

/// Whose matter a failure is, which decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer is no: nothing is found, a check failed.
    User,
    /// The configuration makes no sense.
    Config,
    /// No database, locked, disk full, no permission.
    Environment,
    /// roar itself is wrong.
    Internal,
}

/// A failure of a command.
#[derive(Debug)]
pub(crate) struct CliError {
    kind: Kind,
    message: String,
    /// The words of what caused it, outermost first.
    causes: Vec<String>,
    hints: Vec<String>,
}

impl CliError {
    /// Returns a failure. The message is a lowercase fragment without a full stop.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Returns a failure with the message and the causes of an error.
    pub(crate) fn from_error(kind: Kind, error: &dyn Error) -> Self {
        let failure = Self::new(kind, error.to_string());
        match error.source() {
            Some(source) => failure.with_source(source),
            None => failure,
        }
    }

    /// Adds what caused it, and what caused that.
    pub(crate) fn with_source(mut self, source: &dyn Error) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds the words of what caused it, outermost first.
    pub(crate) fn with_causes(self, causes: Vec<String>) -> Self {
        Self { causes, ..self }
    }

    /// Adds what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the exit status of every command but those that run one.
    pub(crate) fn exit_status(&self) -> u8 {
        match self.kind {
            Kind::User => 1,
            Kind::Config => 2,
            Kind::Environment | Kind::Internal => 3,
        }
    }

    /// Returns the causes, outermost first.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Returns what to do about it.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<fmt::Error> for CliError {
    fn from(error: fmt::Error) -> Self {
        Self::new(Kind::Internal, "cannot write the answer").with_source(&error)
    }
}

impl From<roar_store::Error> for CliError {
    fn from(error: roar_store::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&roar_store::Error> for CliError {
    fn from(error: &roar_store::Error) -> Self {
        use roar_store::Error::{
            BadRow, Damaged, DiskFull, Io, Locked, Missing, Newer, NotADatabase, NotOurs, ReadOnly, Sqlite,
        };
        let kind = match error {
            BadRow { .. } => Kind::Internal,
            Missing { .. }
            | NotADatabase { .. }
            | NotOurs { .. }
            | Damaged { .. }
            | Newer { .. }
            | Locked { .. }
            | DiskFull { .. }
            | ReadOnly { .. }
            | Io { .. }
            | Sqlite { .. } => Kind::Environment,
        };
        let failure = Self::from_error(kind, error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::UnknownKey { .. } => {
                Self::from_error(Kind::Config, &error).with_hint("`roar config list` shows every key")
            }
            ConfigError::BadValue { .. } | ConfigError::NotASection { .. } | ConfigError::Syntax { .. } => {
                Self::from_error(Kind::Config, &error)
            }
            ConfigError::Read { .. } | ConfigError::Write { .. } => {
                Self::from_error(Kind::Environment, &error)
            }
        }
    }
}
