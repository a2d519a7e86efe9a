//! Flags of the commands that keep house.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use jiff::Span;
use roar_config::KEYS;

/// Section of the configuration that has the filters.
pub(crate) const FILTER_SECTION: &str = "filter.";

/// Flags of `roar completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// Flags of `roar man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command, as `run` or `tracer enable`; without one: roar itself
    #[arg(value_name = "COMMAND", conflicts_with = "directory")]
    pub(crate) command: Vec<String>,
    /// Write all pages to DIR
    #[arg(long = "dir", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// Flags of `roar label`.
#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// A step (`@3`, `@last`) or a job, then labels; without a target: the last job, without labels: list them
    #[arg(value_name = "TARGET | K=V")]
    pub(crate) words: Vec<OsString>,
    /// Take the label of that name away; may be repeated
    #[arg(short, long, value_name = "K")]
    pub(crate) remove: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// A step (`@3`, `@last`) or a job; without one: the last job
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<OsString>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// From now on, record the value of that variable, too; may be repeated [config: env.record_values]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["target", "json"])]
    pub(crate) record: Vec<String>,
    /// From now on, record only that the variable is there; may be repeated [config: env.record_values]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["target", "json"])]
    pub(crate) forget: Vec<String>,
    /// Write to the user's file, `~/.roar/config.toml`
    #[arg(long)]
    pub(crate) global: bool,
}

/// Flags of `roar filter`.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Leave such files out of jobs from now on; may be repeated
    #[arg(long, value_name = "NAME", value_parser = filter_names())]
    pub(crate) on: Vec<String>,
    /// Take such files into jobs from now on; may be repeated
    #[arg(long, value_name = "NAME", value_parser = filter_names())]
    pub(crate) off: Vec<String>,
    /// Write to the user's file, `~/.roar/config.toml`
    #[arg(long)]
    pub(crate) global: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar pop`.
#[derive(Debug, Args)]
pub(crate) struct PopArgs {}

/// Flags of `roar reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Flags of `roar gc`.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Say what would be dropped, and drop nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Drop sessions that ended longer ago, too, as `90d` or `2 weeks`
    ///
    /// A job stays if a kept session used what it made.
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) older_than: Option<Span>,
}

/// Returns the names of the filters: the keys of their section.
fn filter_names() -> PossibleValuesParser {
    let names = KEYS.iter().filter_map(|key| key.name.strip_prefix(FILTER_SECTION));
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

fn parse_span(text: &str) -> Result<Span, String> {
    match text.parse::<Span>() {
        Ok(span) if span.is_negative() => Err("the time cannot be negative".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(format!("{error}; a time is written as `90d`, `2 weeks` or `36h`")),
    }
}
