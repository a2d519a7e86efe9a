//! `roar config`: reads and changes the configuration.

use std::path::PathBuf;

use roar_config::{Edit, Entry, Origin, Value};
use serde::Serialize;

use crate::cli::ConfigCommand;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::ui::{self, Role, Table};
use crate::{place, quote};

pub(crate) fn config(command: &ConfigCommand, environment: &Environment) -> Result<(), CliError> {
    match command {
        ConfigCommand::List { json } => list(*json, environment),
        ConfigCommand::Get { key } => {
            let config = place::config(environment, &[])?;
            ui::print(&format!("{}\n", config.get(key)?.value.to_text()))
        }
        ConfigCommand::Set { global, key, value } => set(*global, key, value, environment),
        ConfigCommand::Unset { global, key } => {
            let file = file(*global, environment)?;
            said(roar_config::unset(&file, key)?, &file);
            Ok(())
        }
    }
}

/// Writes a value to the user's file, or to the repository's.
pub(super) fn set(
    is_global: bool,
    key: &str,
    value: &str,
    environment: &Environment,
) -> Result<(), CliError> {
    let file = file(is_global, environment)?;
    said(roar_config::set(&file, key, value)?, &file);
    Ok(())
}

#[derive(Serialize)]
struct List<'a> {
    format: &'static str,
    entries: Vec<EntryView<'a>>,
}

#[derive(Serialize)]
struct EntryView<'a> {
    key: &'static str,
    value: &'a Value,
    origin: &'a Origin,
}

impl<'a> From<&'a Entry> for EntryView<'a> {
    fn from(entry: &'a Entry) -> Self {
        let Entry { key, value, origin } = entry;
        Self { key: key.name, value, origin }
    }
}

fn list(is_json: bool, environment: &Environment) -> Result<(), CliError> {
    let config = place::config(environment, &[])?;
    if is_json {
        return ui::print_json(&List {
            format: "roar.config/1",
            entries: config.entries.iter().map(EntryView::from).collect(),
        });
    }
    let mut table = Table::with_heading(&["key", "value", "from"]);
    for entry in &config.entries {
        table.row().cell(entry.key.name).cell(entry.value.to_string());
        match &entry.origin {
            Origin::Default => table.role_cell(Role::Faint, "default"),
            Origin::User { path, line } | Origin::Repository { path, line } => {
                let path = quote::word(path.as_os_str().as_encoded_bytes());
                table.cell(format!("{path}:{line}"))
            }
            Origin::Variable { name } => table.cell(name.clone()),
            Origin::Flag { flag } => table.cell(flag.clone()),
        };
    }
    let mut page = String::new();
    table.write(&mut page, "", None);
    ui::print(&page)
}

/// Returns the file to change: the user's, or the one of the repository.
pub(super) fn file(is_global: bool, environment: &Environment) -> Result<PathBuf, CliError> {
    if is_global {
        return place::user_config_file(environment)
            .ok_or_else(|| CliError::new(Kind::Environment, "HOME is not set"));
    }
    place::repo(environment).map(|repo| repo.config_file()).ok_or_else(|| {
        CliError::new(Kind::Environment, "no `.roar` here or in a directory above")
            .with_hint("make one with `roar init`, or write to your own file with `--global`")
    })
}

/// Says what became of a change.
pub(super) fn said(edit: Edit, file: &std::path::Path) {
    match edit {
        Edit::Changed => ui::say(format_args!("changed {}", file.display())),
        Edit::Unchanged => ui::say(format_args!("{} says so already", file.display())),
    }
}
