//! The layers, one above the other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::env::{self, Suspect};
use crate::error::{ConfigError, Place};
use crate::file;
use crate::key::{KEYS, Key, Settings};
use crate::nearest::nearest_key;
use crate::value::Value;

/// Where to look, from what yields to what wins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The user's file; need not exist.
    pub user_file: Option<&'a Path>,
    /// The repository's file; need not exist.
    pub repository_file: Option<&'a Path>,
    /// What flags say.
    pub overrides: &'a [Override<'a>],
}

/// A value given by a flag.
#[derive(Clone, Copy, Debug)]
pub struct Override<'a> {
    /// The flag, as the user knows it: `--tracer`.
    pub flag: &'a str,
    /// The key it sets.
    pub key: &'a str,
    /// The value, as [`set`](crate::set) takes it.
    pub text: &'a str,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The user's file.
    User {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The repository's file.
    Repository {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// A flag.
    Flag {
        /// The flag.
        flag: String,
    },
}

/// A key with the value in force.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: &'static Key,
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the program works with.
    pub settings: Settings,
    /// One for each key of [`KEYS`], in that order.
    pub entries: Vec<Entry>,
    /// Variables that look like slips of the pen: worth a warning.
    pub suspects: Vec<Suspect>,
}

impl Config {
    /// Reads the layers.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of the layers; nothing is ignored.
    pub fn load(
        sources: &Sources<'_>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let Sources { user_file, repository_file, overrides } = *sources;
        let default = |key: &'static Key| Entry { key, value: key.default_value(), origin: Origin::Default };
        let mut entries: Vec<Entry> = KEYS.iter().map(default).collect();
        read_file(&mut entries, user_file, |path, line| Origin::User { path, line })?;
        read_file(&mut entries, repository_file, |path, line| Origin::Repository { path, line })?;
        let variables = env::read(environment);
        for (position, name, value) in variables.values {
            let text = value.to_string_lossy();
            let value = parse(&KEYS[position], &text, || Place::Variable(name.clone()))?;
            entries[position] = Entry { key: &KEYS[position], value, origin: Origin::Variable { name } };
        }
        for Override { flag, key, text } in overrides {
            let place = || Place::Flag((*flag).to_owned());
            let position = position(key, place)?;
            let value = parse(&KEYS[position], text, place)?;
            let origin = Origin::Flag { flag: (*flag).to_owned() };
            entries[position] = Entry { key: &KEYS[position], value, origin };
        }
        let settings = Settings::new(entries.iter().map(|entry| &entry.value));
        Ok(Self { settings, entries, suspects: variables.suspects })
    }

    /// Returns the value in force of one key.
    ///
    /// # Errors
    /// There is no such key.
    pub fn get(&self, key: &str) -> Result<&Entry, ConfigError> {
        position(key, || Place::Flag(format!("`{key}`"))).map(|position| &self.entries[position])
    }
}

fn read_file(
    entries: &mut [Entry],
    path: Option<&Path>,
    origin: impl Fn(PathBuf, usize) -> Origin,
) -> Result<(), ConfigError> {
    let Some(path) = path else { return Ok(()) };
    let Some(text) = file::read_text(path)? else {
        return Ok(());
    };
    for (position, line, value) in file::parse(path, &text)? {
        entries[position] = Entry { key: &KEYS[position], value, origin: origin(path.to_owned(), line) };
    }
    Ok(())
}

/// Returns the index in [`KEYS`].
pub(crate) fn position(key: &str, place: impl FnOnce() -> Place) -> Result<usize, ConfigError> {
    let unknown =
        || ConfigError::UnknownKey { place: place(), key: key.to_owned(), nearest: nearest_key(key) };
    Key::position(key).ok_or_else(unknown)
}

pub(crate) fn parse(key: &Key, text: &str, place: impl FnOnce() -> Place) -> Result<Value, ConfigError> {
    key.kind.parse(text).map_err(|refused| ConfigError::BadValue {
        place: place(),
        key: key.name,
        found: refused.0,
        expected: key.kind,
    })
}
