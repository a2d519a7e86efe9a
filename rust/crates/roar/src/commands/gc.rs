//! `roar gc`: drops what nothing needs.

use jiff::{Span, Timestamp, Zoned};
use roar_store::Dropped;

use crate::cli::GcArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{phrase, place, ui};

pub(crate) fn gc(args: &GcArgs, environment: &Environment) -> Result<(), CliError> {
    let mut store = place::store(environment)?;
    let before = args.older_than.map(time_before).transpose()?;
    let size_before = store.size_bytes();
    let dropped = store.collect_garbage(before, args.dry_run)?;
    let verb = if args.dry_run { "would drop" } else { "dropped" };
    ui::say(format_args!("{verb} {}", words(&dropped)));
    if dropped.needed_jobs > 0 {
        let jobs = phrase::count(dropped.needed_jobs, "older job");
        ui::say(format_args!("kept {jobs}, for later ones use what they made"));
    }
    if !args.dry_run {
        store.vacuum()?;
        let (before, after) = (phrase::size(size_before), phrase::size(store.size_bytes()));
        ui::say(format_args!("database: {before}, now {after}"));
    }
    Ok(())
}

fn words(dropped: &Dropped) -> String {
    let Dropped { sessions, jobs, needed_jobs: _, artifacts, paths, packages, hashes } = *dropped;
    let counts = [
        (sessions, "session"),
        (jobs, "job"),
        (artifacts, "artifact"),
        (paths, "path"),
        (packages, "package"),
        (hashes, "remembered hash"),
    ];
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = counted.map(|(count, thing)| phrase::count(*count, thing)).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Returns the time that is so long ago, nanoseconds since 1970.
fn time_before(span: Span) -> Result<i64, CliError> {
    let time = Zoned::now().checked_sub(span).map(|time| time.timestamp()).unwrap_or(Timestamp::MIN);
    i64::try_from(time.as_nanosecond()).map_err(|_error| {
        CliError::new(Kind::Config, "that is too long ago").with_hint("name a shorter time")
    })
}
