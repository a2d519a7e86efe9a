//! Changing a configuration file: comments stay, writers take turns, a reader never sees half a file.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike};

use crate::error::{ConfigError, Place};
use crate::file::read_text;
use crate::key::KEYS;
use crate::layers::{parse, position};
use crate::value::Value;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The file now says something else.
    Changed,
    /// The file said that already, and was not touched.
    Unchanged,
}

/// Writes `key` with the value that `text` stands for into the file at `path`, which is made if there is none.
///
/// # Errors
/// An unknown key, a bad value, a file that is not TOML, or one that cannot be written.
pub fn set(path: &Path, key: &str, text: &str) -> Result<Edit, ConfigError> {
    let argument = || Place::Flag(format!("`{key}`"));
    let key = &KEYS[position(key, argument)?];
    let value = parse(key, text, || Place::Flag(format!("`{}`", key.name)))?;
    edit(path, |document| {
        let (section, name) = key.parts();
        let section_item = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
        let not_a_section = || ConfigError::NotASection {
            place: Place::Flag(path.display().to_string()),
            section: section.to_owned(),
        };
        let table = section_item.as_table_like_mut().ok_or_else(not_a_section)?;
        put(table, name, &value);
        Ok(())
    })
}

/// Removes `key` from the file at `path`. A key that is unknown may be removed too, if the file has it.
///
/// # Errors
/// An unknown key that the file does not have, a file that is not TOML, or one that cannot be written.
pub fn unset(path: &Path, key: &str) -> Result<Edit, ConfigError> {
    edit(path, |document| {
        let was_there = remove(document.as_table_mut(), key);
        if !was_there {
            position(key, || Place::Flag(format!("`{key}`")))?;
        }
        Ok(())
    })
}

/// Replaces the value and leaves what stands around it.
fn put(table: &mut dyn TableLike, name: &str, value: &Value) {
    let mut new = value.to_toml();
    if let Some(old) = table.get(name).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(name, Item::Value(new));
}

/// Removes the key and returns whether it was there. Its section stays, with the comments in it.
fn remove(table: &mut dyn TableLike, key: &str) -> bool {
    if table.remove(key).is_some() {
        return true;
    }
    let Some((section, rest)) = key.split_once('.') else {
        return false;
    };
    table.get_mut(section).and_then(Item::as_table_like_mut).is_some_and(|inner| remove(inner, rest))
}

fn edit(
    path: &Path,
    change: impl FnOnce(&mut DocumentMut) -> Result<(), ConfigError>,
) -> Result<Edit, ConfigError> {
    let failed = |source| ConfigError::Write { path: path.to_owned(), source };
    let path = &resolve(path).map_err(failed)?;
    // Held until the end: who reads, changes and writes does so alone.
    let _lock = lock(path).map_err(failed)?;
    let before = read_text(path)?;
    let text = before.clone().unwrap_or_default();
    let mut document: DocumentMut = text.parse().map_err(|error| syntax(path, &text, &error))?;
    change(&mut document)?;
    let after = document.to_string();
    if before.is_none_or(|before| before != after) {
        replace(path, &after).map_err(failed)?;
        return Ok(Edit::Changed);
    }
    Ok(Edit::Unchanged)
}

/// Returns the file itself where the path is a symbolic link, as in a folder of dot files kept under version control.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

/// Waits for other writers, which take milliseconds.
fn lock(path: &Path) -> io::Result<File> {
    let lock = File::options().create(true).write(true).truncate(false).open(beside(path, ".lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Writes another file and puts it in the place of this one, both for good.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Nobody else uses that name: we hold the lock.
    let new_path = beside(path, ".new");
    let mut new = File::create(&new_path)?;
    new.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions(path)? {
        new.set_permissions(permissions)?;
    }
    new.sync_all()?;
    fs::rename(&new_path, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn permissions(path: &Path) -> io::Result<Option<Permissions>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.permissions())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn syntax(path: &Path, text: &str, error: &toml_edit::TomlError) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Syntax {
        place: Place::Line { path: path.to_owned(), line },
        message: error.message().to_owned(),
    }
}
