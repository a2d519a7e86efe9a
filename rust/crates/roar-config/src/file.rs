//! One configuration file.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::error::{ConfigError, Place};
use crate::key::{KEYS, Key};
use crate::nearest::nearest_key;
use crate::value::Value;

/// Longest file that is read, bytes: hundreds of times what all keys with long comments take.
const SIZE_MAX: u64 = 1 << 20;

/// What a file says: index in [`KEYS`], line, value.
pub(crate) type Assignments = Vec<(usize, usize, Value)>;

/// Returns the text of the file, or nothing where there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    let size = file.take(SIZE_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if size as u64 > SIZE_MAX {
        return Err(failed(io::Error::new(ErrorKind::FileTooLarge, "longer than a configuration can be")));
    }
    Ok(Some(text))
}

/// Returns what the text of the file at `path` says.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Assignments, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        place: place(path, text, error.span().unwrap_or_default()),
        message: error.message().to_owned(),
    })?;
    let mut walk = Walk { path, text, assignments: Vec::new(), errors: Vec::new() };
    walk.table("", table.get_ref());
    // The table is in the order of names; a person reads from the top.
    match walk.errors.into_iter().min_by_key(|(line, _)| *line) {
        Some((_, error)) => Err(error),
        None => Ok(walk.assignments),
    }
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    assignments: Assignments,
    errors: Vec<(usize, ConfigError)>,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let line = line_of(self.text, name.span().start);
            let name = format!("{prefix}{}", name.get_ref());
            let place = Place::Line { path: self.path.to_owned(), line };
            if let Err(error) = self.item(name, line, value.get_ref(), place) {
                self.errors.push((line, error));
            }
        }
    }

    fn item(
        &mut self,
        name: String,
        line: usize,
        value: &DeValue<'_>,
        place: Place,
    ) -> Result<(), ConfigError> {
        if let Some(position) = Key::position(&name) {
            let Key { name: key, kind: expected, .. } = KEYS[position];
            let value = expected.convert(value).map_err(|refused| ConfigError::BadValue {
                place,
                key,
                found: refused.0,
                expected,
            })?;
            self.assignments.push((position, line, value));
            return Ok(());
        }
        let prefix = format!("{name}.");
        let is_section = KEYS.iter().any(|key| key.name.starts_with(&prefix));
        match value.as_table() {
            // An unknown section is reported by its keys, which say better what was meant.
            Some(table) if is_section || !table.is_empty() => self.table(&prefix, table),
            None if is_section => return Err(ConfigError::NotASection { place, section: name }),
            Some(_) | None => {
                let nearest = nearest_key(&name);
                return Err(ConfigError::UnknownKey { place, key: name, nearest });
            }
        }
        Ok(())
    }
}

fn place(path: &Path, text: &str, span: Range<usize>) -> Place {
    Place::Line { path: path.to_owned(), line: line_of(text, span.start) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
