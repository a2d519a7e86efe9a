//! `roar filter`: which files are left out of inputs and outputs.

use roar_config::{Edit, Value};
use serde::Serialize;

use super::config;
use crate::cli::{FILTER_SECTION, FilterArgs};
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::place;
use crate::ui::{self, Role, Table};

#[derive(Serialize)]
struct Filters {
    format: &'static str,
    filters: Vec<Filter>,
}

#[derive(Serialize)]
struct Filter {
    name: &'static str,
    on: bool,
    about: &'static str,
}

pub(crate) fn filter(args: &FilterArgs, environment: &Environment) -> Result<(), CliError> {
    if !args.on.is_empty() || !args.off.is_empty() {
        return choose(args, environment);
    }
    let config = place::config(environment, &[])?;
    let filters = config.entries.iter().filter_map(|entry| {
        let name = entry.key.name.strip_prefix(FILTER_SECTION)?;
        Some(Filter { name, on: entry.value == Value::Bool(true), about: entry.key.doc })
    });
    let filters: Vec<Filter> = filters.collect();
    if args.json {
        return ui::print_json(&Filters { format: "roar.filters/1", filters });
    }
    let mut table = Table::default();
    for Filter { name, on, about } in &filters {
        let state = if *on { "on" } else { "off" };
        table.row().cell(*name).cell(state).role_cell(Role::Faint, *about);
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::print(&page)
}

/// Changes what is left out from now on.
fn choose(args: &FilterArgs, environment: &Environment) -> Result<(), CliError> {
    if let Some(name) = args.on.iter().find(|name| args.off.contains(name)) {
        return Err(CliError::new(Kind::Config, format!("{name} cannot be both on and off")));
    }
    let file = config::file(args.global, environment)?;
    let mut edit = Edit::Unchanged;
    for (names, value) in [(&args.on, "true"), (&args.off, "false")] {
        for name in names {
            if roar_config::set(&file, &format!("{FILTER_SECTION}{name}"), value)? == Edit::Changed {
                edit = Edit::Changed;
            }
        }
    }
    config::said(edit, &file);
    Ok(())
}
