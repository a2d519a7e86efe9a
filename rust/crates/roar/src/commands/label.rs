//! `roar label`: what the user says of a job.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Serialize;

use super::target;
use crate::cli::{LabelArgs, parse_label};
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::naming::Names;
use crate::ui::{self, Table};
use crate::{place, quote};

#[derive(Serialize)]
struct Labels {
    format: &'static str,
    job: String,
    labels: BTreeMap<String, String>,
}

pub(crate) fn label(args: &LabelArgs, environment: &Environment) -> Result<(), CliError> {
    let mut store = place::store(environment)?;
    // Neither a step nor a job has an equals sign in it.
    let has_target = args.words.first().is_some_and(|word| !word.as_encoded_bytes().contains(&b'='));
    let (word, labels) = args.words.split_at(usize::from(has_target));
    let labels: Vec<(String, String)> = labels.iter().map(read_label).collect::<Result<_, _>>()?;
    let job = target::find_job(&store, word.first().map(OsString::as_os_str), environment)?;
    if !labels.is_empty() || !args.remove.is_empty() {
        store.change_labels(job.key, &labels, &args.remove)?;
        if !args.json {
            return Ok(());
        }
    }
    let labels = store.context(job.key)?.labels;
    if args.json {
        let labels = labels.into_iter().collect();
        return ui::print_json(&Labels { format: "roar.labels/1", job: job.id, labels });
    }
    if labels.is_empty() {
        ui::say(format_args!("{} has no labels", Names::new(&store)?.of(&job)));
        return Ok(());
    }
    let mut table = Table::default();
    for (key, value) in &labels {
        table.row().cell(quote::word(key.as_bytes())).cell(quote::word(value.as_bytes()));
    }
    let mut page = String::new();
    table.write(&mut page, "", None);
    ui::print(&page)
}

fn read_label(word: &OsString) -> Result<(String, String), CliError> {
    let shown = quote::word(word.as_encoded_bytes());
    let text = word.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
    text.and_then(parse_label).map_err(|why| {
        CliError::new(Kind::Config, format!("{shown} is no label: {why}"))
            .with_hint("labels are written as `roar label @3 stage=train`")
    })
}
