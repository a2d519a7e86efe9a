//! The command line.

mod asking;
mod export;
mod housekeeping;
mod ray;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use roar_config::TracerMode;

pub(crate) use asking::{
    DiffArgs, InputsArgs, LineageArgs, ReproduceArgs, RerunArgs, StaleArgs, StepWord, VerifyArgs, WhyArgs,
};
pub(crate) use export::{ExportArgs, Format};
pub(crate) use housekeeping::{
    CompletionsArgs, EnvArgs, FILTER_SECTION, FilterArgs, GcArgs, LabelArgs, ManArgs, PopArgs, ResetArgs,
};
pub(crate) use ray::{FetchArgs, RayCommand, WorkerArgs};

/// Status of a command line that makes no sense.
const USAGE_STATUS: u8 = 2;

/// Status of `roar run` where the command was not run (as of env(1), nohup(1)): 126 and 127 belong to the command.
const NOT_RUN_STATUS: u8 = 125;

/// Record what commands do to files, and where files come from
#[derive(Debug, Parser)]
#[command(name = "roar", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make `.roar/` here: the database and a configuration file
    ///
    /// Offers to have git ignore it. Where it is already, nothing changes.
    Init(InitArgs),
    /// Run a command and record what it reads and writes
    ///
    /// Everything from the first word that is not an option belongs to the command. Its status becomes that of roar; 125
    /// means that roar failed before the command ran.
    Run(RunArgs),
    /// Run a command that sets things up, and record it
    ///
    /// As `roar run`, and replayed before the other steps by `reproduce`.
    Build(RunArgs),
    /// Show the session, its last job, stale steps and the backend
    Status(StatusArgs),
    /// List the jobs, newest first
    Log(LogArgs),
    /// Show a session, a job, an artifact or a path in full
    Show(ShowArgs),
    /// Show which step made what the others used
    Dag(DagArgs),
    /// Print where something comes from in the format of a standard or of another tool
    Export(ExportArgs),
    /// List, set and remove labels of a job
    ///
    /// Labels are written as KEY=VALUE.
    Label(LabelArgs),
    /// Show the environment that a job was given, and choose whose values are recorded
    Env(EnvArgs),
    /// Show and choose which files are left out of inputs and outputs
    Filter(FilterArgs),
    /// Forget the record of the last job
    ///
    /// No file is touched.
    Pop(PopArgs),
    /// End the session: the next job begins another
    ///
    /// What was recorded stays.
    Reset(ResetArgs),
    /// Drop records that nothing needs, and make the database smaller
    ///
    /// What a job of a kept session names is never dropped. Every session is kept unless `--older-than` says otherwise.
    Gc(GcArgs),
    /// Show everything that an artifact or a job comes from
    Lineage(LineageArgs),
    /// List the files that something comes from and that no recorded step made
    Inputs(InputsArgs),
    /// Show the evidence that one file comes from another: process, call and time
    Why(WhyArgs),
    /// Compare what two artifacts or jobs come from
    ///
    /// Inputs, command, code, packages and environment.
    Diff(DiffArgs),
    /// Compare the files on disk with what was recorded
    ///
    /// Ends with 1 if one has changed or is missing.
    Verify(VerifyArgs),
    /// List the steps that must run again, and why
    ///
    /// Ends with 1 if there are any.
    Stale(StaleArgs),
    /// Run the steps again that are stale
    ///
    /// In order, each as `roar run` would with the recorded command and directory. Stops at the first that fails.
    Rerun(RerunArgs),
    /// Show how an artifact can be made anew from its commit, or do it
    ///
    /// Without `--run` nothing is done. With it, the steps run in a clean checkout, and the hashes of what they make are
    /// compared with those that were recorded. Ends with 1 if something cannot be had or came out differently.
    Reproduce(ReproduceArgs),
    /// Show, choose, check and set up what observes commands
    ///
    /// Without a subcommand: which backend a run takes, and why not the others. Each is tried.
    #[command(args_conflicts_with_subcommands = true)]
    Tracer(TracerArgs),
    /// Read and change the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Fetch what a Ray cluster has of a job
    #[command(subcommand)]
    Ray(RayCommand),
    /// Print what a shell needs to complete command lines of roar
    Completions(CompletionsArgs),
    /// Print the manual page of roar or of one of its commands
    Man(ManArgs),
}

/// Flags of `roar init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Add `.roar/` to .gitignore without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Leave .gitignore alone without asking
    #[arg(short, long, conflicts_with = "yes")]
    pub(crate) no: bool,
}

/// Flags of `roar run` and `roar build`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Observe with this backend [config: tracer.mode]
    #[arg(long, value_name = "MODE", value_parser = PossibleValuesParser::new(TracerMode::NAMES))]
    pub(crate) tracer: Option<String>,
    /// Do not try another backend if that one cannot start [config: tracer.fallback_enabled]
    #[arg(long)]
    pub(crate) no_tracer_fallback: bool,
    /// Write the run report to FILE, as JSON
    #[arg(long, value_name = "FILE", value_parser = parse_report)]
    pub(crate) report: Option<PathBuf>,
    /// Do not hash contents
    #[arg(long)]
    pub(crate) no_hash: bool,
    /// End with 124 if something could not be observed
    ///
    /// The command runs to its end, and its record is kept.
    #[arg(long)]
    pub(crate) require_complete: bool,
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice: also write the tracer's log to `.roar/tracer.log`
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Label the job; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = parse_label)]
    pub(crate) labels: Vec<(String, String)>,
    /// The id of the job that this is to run again: `roar rerun` says it
    #[arg(long, value_name = "ID", hide = true)]
    pub(crate) rerun_of: Option<String>,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// Flags of `roar status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Flags of `roar log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List so many jobs at most
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) limit: Option<usize>,
}

/// Flags of `roar show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path; without one: the session
    ///
    /// Six or more digits are enough of a job's id or of a hash.
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<OsString>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List temporary and filtered files, and the names of the environment
    #[arg(long)]
    pub(crate) all: bool,
}

/// Flags of `roar dag`.
#[derive(Debug, Args)]
pub(crate) struct DagArgs {
    /// Print JSON
    #[arg(long, group = "form")]
    pub(crate) json: bool,
    /// Print a drawing in the language of Graphviz
    #[arg(long, group = "form")]
    pub(crate) dot: bool,
    /// Print a drawing as a flowchart of Mermaid
    #[arg(long, group = "form")]
    pub(crate) mermaid: bool,
    /// Write a page to FILE that shows the graph in a browser, and needs nothing else
    #[arg(long, value_name = "FILE", group = "form")]
    pub(crate) html: Option<PathBuf>,
    /// Show every step, also those that a later run of the same command superseded
    #[arg(long)]
    pub(crate) expanded: bool,
    /// List every file, with its hash; draw each for itself
    #[arg(long)]
    pub(crate) artifacts: bool,
}

/// Flags of `roar tracer`.
#[derive(Debug, Args)]
pub(crate) struct TracerArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<TracerCommand>,
}

/// What to do with the tracers.
#[derive(Debug, Subcommand)]
pub(crate) enum TracerCommand {
    /// Choose the backend of later runs [config: tracer.mode]
    Use {
        /// The backend, or `auto` for the first that works
        #[arg(value_name = "MODE", value_parser = PossibleValuesParser::new(TracerMode::NAMES))]
        mode: String,
        /// Write to the user's file, `~/.roar/config.toml`
        #[arg(long)]
        global: bool,
    },
    /// Try a backend, and show everything that decides whether it can be used
    ///
    /// Ends with 0 if it can be used, else with 1.
    Check(CheckArgs),
    /// Let users trace with a backend that needs privileges
    ///
    /// Gives the tracer program the file capabilities that it needs, and tries it. Needs root.
    Enable(PrivilegeArgs),
    /// Undo what `enable` did
    Disable(PrivilegeArgs),
}

/// Flags of `roar tracer check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The backend; `auto`: the one that a run would take
    #[arg(value_name = "MODE", value_parser = PossibleValuesParser::new(TracerMode::NAMES))]
    pub(crate) mode: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also say whether this command's program can be seen; it is not run
    #[arg(value_name = "CMD", last = true)]
    pub(crate) command: Vec<OsString>,
}

/// Flags of `roar tracer enable` and `roar tracer disable`.
#[derive(Debug, Args)]
pub(crate) struct PrivilegeArgs {
    /// The backend
    #[arg(value_name = "BACKEND", value_parser = PossibleValuesParser::new(["ebpf"]))]
    pub(crate) backend: String,
    /// Print each step, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// List every key, its value, and where that comes from
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of a key
    Get {
        /// The key, as `tracer.mode`
        key: String,
    },
    /// Write a value to the repository's file
    Set {
        /// Write to the user's file, `~/.roar/config.toml`
        #[arg(long)]
        global: bool,
        /// The key, as `tracer.mode`
        key: String,
        /// The value; lists are separated by commas
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Remove a key from the repository's file
    Unset {
        /// Remove it from the user's file, `~/.roar/config.toml`
        #[arg(long)]
        global: bool,
        /// The key, as `tracer.mode`
        key: String,
    },
}

impl Command {
    /// Returns the status of every failure, where it does not depend on the failure.
    pub(crate) fn failure_status(&self) -> Option<u8> {
        match self {
            Self::Run(_) | Self::Build(_) => Some(NOT_RUN_STATUS),
            Self::Init(_)
            | Self::Status(_)
            | Self::Log(_)
            | Self::Show(_)
            | Self::Dag(_)
            | Self::Lineage(_)
            | Self::Inputs(_)
            | Self::Why(_)
            | Self::Diff(_)
            | Self::Verify(_)
            | Self::Stale(_)
            | Self::Rerun(_)
            | Self::Reproduce(_)
            | Self::Tracer(_)
            | Self::Export(_)
            | Self::Label(_)
            | Self::Env(_)
            | Self::Filter(_)
            | Self::Pop(_)
            | Self::Reset(_)
            | Self::Gc(_)
            | Self::Config(_)
            | Self::Ray(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// To do something.
    Command(Command),
    /// Nothing but this text: help, the version, or what is wrong.
    Answered {
        /// The text.
        text: clap::builder::StyledStr,
        /// What to end with; 0: the text was asked for.
        status: u8,
    },
}

/// Returns the definition of the command line.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Reads the command line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Parsed {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => Parsed::Command(cli.command),
        Err(error) => {
            let is_asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let status = if is_asked_for { 0 } else { usage_status(&arguments) };
            Parsed::Answered { text: error.render(), status }
        }
    }
}

fn usage_status(arguments: &[OsString]) -> u8 {
    let runs = arguments.get(1).is_some_and(|word| word == "run" || word == "build");
    if runs { NOT_RUN_STATUS } else { USAGE_STATUS }
}

fn parse_report(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("standard output belongs to the command; name a file".to_owned()),
        "" => Err("name a file".to_owned()),
        path => Ok(path.into()),
    }
}

/// Reads a label as typed.
pub(crate) fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests;
