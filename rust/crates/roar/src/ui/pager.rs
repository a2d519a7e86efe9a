//! Showing what is longer than a terminal.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use super::{print, width};
use crate::env::Environment;
use crate::error::CliError;

/// The pager where the user names none.
const DEFAULT_PAGER: &str = "less";

/// What less(1) and lv(1) are told unless the user tells them something, as git does: to end at once where all fits on the
/// screen, to show colours, to leave the screen as it is.
const OPTIONS: &[(&str, &str)] = &[("LESS", "FRX"), ("LV", "-c")];

/// Prints data, through the user's pager where standard output is a terminal.
pub(crate) fn page(text: &str, environment: &Environment) -> Result<(), CliError> {
    let stdout = io::stdout();
    if !stdout.is_terminal() || fits(text, environment) {
        return print(text);
    }
    let pager = environment.pager.clone().unwrap_or_else(|| OsString::from(DEFAULT_PAGER));
    if pager.is_empty() || pager == "cat" || !show(text, pager, environment) {
        return print(text);
    }
    Ok(())
}

/// Returns whether the text is no longer than the terminal, whatever the pager would do about it.
fn fits(text: &str, environment: &Environment) -> bool {
    let Ok(size) = rustix::termios::tcgetwinsize(io::stdout()) else { return false };
    let columns = width(environment).unwrap_or(usize::MAX).max(1);
    let lines = text.lines().map(|line| {
        let columns_used = anstream::adapter::strip_str(line).to_string().chars().count();
        columns_used.div_ceil(columns).max(1)
    });
    lines.take(usize::from(size.ws_row)).sum::<usize>() < usize::from(size.ws_row)
}

/// Returns whether the pager could be started. One that the user leaves early has shown enough.
fn show(text: &str, pager: OsString, environment: &Environment) -> bool {
    let mut command = Command::new("/bin/sh");
    // As git does: a pager may have options.
    command.arg("-c").arg(pager).stdin(Stdio::piped());
    for (name, value) in OPTIONS {
        if !environment.variables.iter().any(|(key, _)| key == name) {
            command.env(name, value);
        }
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        let choice = anstream::AutoStream::choice(&io::stdout());
        let mut stream = anstream::AutoStream::new(&mut stdin as &mut dyn Write, choice);
        drop(stream.write_all(text.as_bytes()));
    }
    // A shell that did not find the pager ends with 127, having shown nothing.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
