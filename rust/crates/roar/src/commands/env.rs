//! `roar env`: the environment that a job was given, and whose values are recorded.

use serde::Serialize;
use tracer_schema::PathBytes;

use super::{config, target};
use crate::cli::EnvArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::ui::{self, Role, Table};
use crate::view::EnvView;
use crate::{place, quote};

/// The key of the configuration that names the variables.
const KEY: &str = "env.record_values";

#[derive(Serialize)]
struct JobEnvironment {
    format: &'static str,
    job: String,
    environment: Vec<EnvView>,
}

pub(crate) fn env(args: &EnvArgs, environment: &Environment) -> Result<(), CliError> {
    if !args.record.is_empty() || !args.forget.is_empty() {
        return choose(args, environment);
    }
    let store = place::store(environment)?;
    let job = target::find_job(&store, args.target.as_deref(), environment)?;
    let variables = store.context(job.key)?.env;
    if args.json {
        let environment = variables.into_iter().map(EnvView::from).collect();
        return ui::print_json(&JobEnvironment { format: "roar.env/1", job: job.id, environment });
    }
    let mut table = Table::with_heading(&["variable", "value"]);
    for variable in &variables {
        table.row().cell(quote::word(variable.name.as_bytes()));
        match &variable.value {
            Some(PathBytes(value)) => table.cell(quote::word(value)),
            None if variable.is_redacted => table.role_cell(Role::Faint, "(may be a secret)"),
            None => table.role_cell(Role::Faint, "(not recorded)"),
        };
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::print(&page)
}

/// Changes whose values are recorded from now on.
fn choose(args: &EnvArgs, environment: &Environment) -> Result<(), CliError> {
    let file = config::file(args.global, environment)?;
    let said = place::config(environment, &[])?.get(KEY)?.value.to_text();
    let mut names: Vec<&str> = said.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.retain(|name| !args.forget.iter().any(|forgotten| forgotten == name));
    for name in &args.record {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    config::said(roar_config::set(&file, KEY, &names.join(","))?, &file);
    Ok(())
}
