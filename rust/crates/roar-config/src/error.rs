//! What can be wrong with a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::value::Kind;

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// On the command line: a flag, or the argument of a command.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Why there is no configuration, or why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such key.
    #[error("{place}: unknown key `{key}`{}", meant(*nearest))]
    UnknownKey {
        /// Where.
        place: Place,
        /// What was written.
        key: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// There is such a key, but not with that value.
    #[error("{place}: `{key}` cannot be {found}, expected {expected}")]
    BadValue {
        /// Where.
        place: Place,
        /// The key.
        key: &'static str,
        /// What was written.
        found: String,
        /// What it takes.
        expected: Kind,
    },
    /// A section is written as if it were a key.
    #[error("{place}: `{section}` is a section, expected `[{section}]` and its keys below")]
    NotASection {
        /// Where.
        place: Place,
        /// The section.
        section: String,
    },
    /// A file is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser said.
        message: String,
    },
    /// A file is there and cannot be read.
    #[error("cannot read {path:?}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path:?}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!(", nearest is `{key}`"))
}
