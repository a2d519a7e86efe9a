//! `roar tracer enable` and `disable`: file capabilities for a tracer that needs rights.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use roar_run::{Backend, CAPABILITIES, Candidate, CapabilityError, Verdict, verdict_of};
use tracer_host::preflight::{CheckArguments, ask_by};

use crate::cli::PrivilegeArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::ui;
use crate::{place, quote};

/// Who tries the tracer where nobody has become root by sudo: nobody, and the group of nobody.
const NOBODY: (u32, u32) = (65534, 65534);

pub(super) fn enable(args: &PrivilegeArgs, environment: &Environment) -> Result<(), CliError> {
    let program = program(environment);
    let mut candidate = find(&program)?;
    may("enable", args, environment)?;
    let names: Vec<&str> = CAPABILITIES.iter().map(|(_, name, _)| *name).collect();
    step(args, &format!("copy {candidate} to a file that is root's"))?;
    for (_, name, reason) in CAPABILITIES {
        step(args, &format!("give it {name}: {reason}"))?;
    }
    step(args, &format!("put it in the place of {candidate} (as `setcap {}=ep` would)", names.join(",")))?;
    let (user, group) = environment.sudo.filter(|(user, _)| *user != 0).unwrap_or(NOBODY);
    if !args.dry_run {
        candidate.enable().map_err(refused)?;
    }
    step(args, &format!("try it as user {user}"))?;
    if args.dry_run {
        return Ok(());
    }
    try_as(&program, user, group, environment)?;
    ui::say("the eBPF tracer can be used by whoever may execute it");
    Ok(())
}

pub(super) fn disable(args: &PrivilegeArgs, environment: &Environment) -> Result<(), CliError> {
    let program = program(environment);
    let candidate = find(&program)?;
    may("disable", args, environment)?;
    step(args, &format!("take the capabilities of {candidate} away"))?;
    if !args.dry_run && !candidate.disable().map_err(refused)? {
        ui::say("it had none");
    }
    Ok(())
}

/// Prints what is done, or would be.
fn step(args: &PrivilegeArgs, words: &str) -> Result<(), CliError> {
    let would = if args.dry_run { "would " } else { "" };
    ui::print(&format!("{would}{words}\n"))
}

fn program(environment: &Environment) -> PathBuf {
    // The directory may be a symbolic link, the program may not.
    let directory = fs::canonicalize(&environment.programs).unwrap_or_else(|_| environment.programs.clone());
    Backend::Ebpf.program(&directory)
}

/// Looks at the program, which may belong to root or to whoever roar itself belongs to: that is who root trusts by running it.
fn find(program: &Path) -> Result<Candidate, CliError> {
    let own = std::env::current_exe().and_then(fs::metadata);
    Candidate::find(program, own.map_or(0, |own| own.uid())).map_err(refused)
}

fn refused(error: CapabilityError) -> CliError {
    CliError::from_error(Kind::Environment, &error)
}

/// Returns an error with the line to type for whoever is not root.
fn may(what: &str, args: &PrivilegeArgs, environment: &Environment) -> Result<(), CliError> {
    if args.dry_run || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let roar = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("roar"));
    let roar = quote::word(roar.as_os_str().as_encoded_bytes());
    // sudo hands no variables on.
    let programs = environment.variables.iter().find(|(name, _)| name == crate::env::PROGRAMS);
    let programs = programs.map_or(String::new(), |(name, value)| {
        format!("{}={} ", name.display(), quote::word(value.as_encoded_bytes()))
    });
    Err(CliError::new(Kind::Environment, "file capabilities are given and taken away by root")
        .with_hint(format!("`sudo {programs}{roar} tracer {what} {}`", args.backend)))
}

/// Has the tracer do everything that a run takes, as a user without rights.
fn try_as(program: &Path, user: u32, group: u32, environment: &Environment) -> Result<(), CliError> {
    let timeout_ms = place::config(environment, &[])?.settings.tracer_preflight_timeout_ms;
    let timeout = Duration::from_millis(timeout_ms);
    let mut command = Command::new(program);
    command.env_clear().current_dir("/").uid(user).gid(group);
    let answer = ask_by(command, &CheckArguments::default(), timeout);
    match verdict_of(&answer, program, timeout) {
        Verdict::Usable => Ok(()),
        Verdict::Unusable(reason) => {
            Err(CliError::new(Kind::Environment, format!("it does not work for user {user}"))
                .with_causes(vec![reason.words()])
                .with_hint("`roar tracer disable ebpf` takes the capabilities away again"))
        }
    }
}
