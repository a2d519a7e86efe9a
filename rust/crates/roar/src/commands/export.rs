//! `roar export`: lineage in the formats of standards and of other tools.

mod collect;
mod disk;
mod send;

use roar_export::{Lineage, Script};
use serde_json::Value;

use crate::cli::{ExportArgs, Format};
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{place, quote, ui};

pub(crate) fn export(args: &ExportArgs, environment: &Environment) -> Result<(), CliError> {
    if args.url.is_some() && args.format != Format::Openlineage {
        return Err(CliError::new(Kind::Config, "only OpenLineage events are sent to a server")
            .with_hint("write to a file with `-o FILE`"));
    }
    let store = place::store(environment)?;
    let mut lineage = collect::collect(&store, &args.target, wants_set_up(args.format), environment)?;
    if wants_disk(args.format) {
        disk::compare(&mut lineage);
    }
    if let Some(url) = &args.url {
        let events = roar_export::openlineage(&lineage);
        send::send(&events, url, environment)?;
        ui::say(format_args!("sent {} to {url}", crate::phrase::count(events.len() as u64, "event")));
        return Ok(());
    }
    let text = written(&lineage, args.format)?;
    match &args.output {
        None => ui::print_plain(&text),
        Some(path) => place::write_file(path, &text),
    }
}

/// Returns whether a format is about files that are there, or wants hashes that need not be recorded.
fn wants_disk(format: Format) -> bool {
    match format {
        Format::RoCrate | Format::InToto | Format::Cyclonedx => true,
        Format::Prov | Format::Openlineage | Format::Dvc | Format::Make => false,
    }
}

/// Returns whether a format is a way to do it again, for which things have to be set up.
fn wants_set_up(format: Format) -> bool {
    match format {
        Format::Dvc | Format::Make => true,
        Format::Prov | Format::Openlineage | Format::RoCrate | Format::InToto | Format::Cyclonedx => false,
    }
}

fn written(lineage: &Lineage, format: Format) -> Result<String, CliError> {
    match format {
        Format::Prov => pretty(&roar_export::prov(lineage)),
        Format::RoCrate => pretty(&roar_export::ro_crate(lineage)),
        Format::Openlineage => {
            Ok(roar_export::openlineage(lineage).iter().map(|event| format!("{event}\n")).collect())
        }
        Format::InToto => match roar_export::in_toto(lineage) {
            Ok(statement) => {
                warn_of_missing_digests(lineage);
                pretty(&statement)
            }
            Err(error) => Err(CliError::from_error(Kind::User, &error)
                .with_hint("record the step again without `--no-hash`, or choose another format")),
        },
        Format::Cyclonedx => pretty(&roar_export::cyclonedx(lineage)),
        Format::Dvc => Ok(told(roar_export::dvc(lineage))),
        Format::Make => Ok(told(roar_export::make(lineage))),
    }
}

fn pretty(document: &Value) -> Result<String, CliError> {
    serde_json::to_string_pretty(document)
        .map(|text| text + "\n")
        .map_err(|error| CliError::new(Kind::Internal, "cannot write JSON").with_source(&error))
}

/// Says what a script does not.
fn told(script: Script) -> String {
    for left_out in &script.left_out {
        ui::warn(quote::sentence(left_out));
    }
    script.text
}

/// Those who check statements know SHA-256; BLAKE3 alone may not be enough for them.
fn warn_of_missing_digests(lineage: &Lineage) {
    let targets = lineage.targets.iter().map(|target| &lineage.artifacts[target.artifact]);
    for target in targets.filter(|target| !target.hashes.contains_key(disk::SHA256)) {
        let shown = quote::word(&target.path);
        ui::warn(format_args!(
            "{shown} has changed since, and its SHA-256 was not recorded: it is named by BLAKE3 alone"
        ));
        ui::hint("record it from now on with `roar config set hash.algorithms blake3,sha256`");
    }
}
