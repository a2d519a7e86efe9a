//! Showing what is longer than a terminal.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use super::{print, print_to_reader, width};
use crate::env::Environment;
use crate::error::CliError;
use crate::phrase;

/// The pager where the user names none.
const DEFAULT_PAGER: &str = "less";

/// What less(1) and lv(1) are told unless the user tells them something, as git does: to end at once where all fits on the
/// screen, to show colours, to leave the screen as it is.
const OPTIONS: &[(&str, &str)] = &[("LESS", "FRX"), ("LV", "-c")];

/// Prints data, through the user's pager where standard output is a terminal.
pub(crate) fn page(text: &str, environment: &Environment) -> Result<(), CliError> {
    let mut pages = Pages::new(environment);
    pages.write(text)?;
    pages.finish()
}

/// Prints data as it comes about, through the user's pager where standard output is a terminal and it is longer than that.
pub(crate) struct Pages<'e> {
    environment: &'e Environment,
    sink: Sink,
}

/// Where data goes.
enum Sink {
    /// Nowhere yet: it may fit on the screen.
    Held(String),
    /// To standard output.
    Plain,
    /// To the pager. What it was given is kept: it may turn out not to be there.
    Pager { child: Child, text: String },
}

impl<'e> Pages<'e> {
    pub(crate) fn new(environment: &'e Environment) -> Self {
        let sink = if io::stdout().is_terminal() { Sink::Held(String::new()) } else { Sink::Plain };
        Self { environment, sink }
    }

    /// Prints some more, and returns whether somebody still reads.
    pub(crate) fn write(&mut self, more: &str) -> Result<bool, CliError> {
        match &mut self.sink {
            Sink::Plain => print_to_reader(more),
            Sink::Pager { child, text } => {
                text.push_str(more);
                if give(child, more) {
                    return Ok(true);
                }
                if !was_missing(child) {
                    return Ok(false);
                }
                let text = std::mem::take(text);
                self.sink = Sink::Plain;
                print_to_reader(&text)
            }
            Sink::Held(text) => {
                text.push_str(more);
                if fits(text, self.environment) {
                    return Ok(true);
                }
                let text = std::mem::take(text);
                match start_pager(self.environment) {
                    Some(child) => {
                        self.sink = Sink::Pager { child, text: String::new() };
                        self.write(&text)
                    }
                    None => {
                        self.sink = Sink::Plain;
                        print_to_reader(&text)
                    }
                }
            }
        }
    }

    /// Prints what is left, and waits until the user has seen enough.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self.sink {
            Sink::Plain => Ok(()),
            Sink::Held(text) => print(&text),
            Sink::Pager { mut child, text } => {
                if was_missing(&mut child) {
                    return print(&text);
                }
                Ok(())
            }
        }
    }
}

/// Waits for the end of a pager, which closes its input, and returns whether there was none: a shell that did not find it ends
/// with 127, having shown nothing.
fn was_missing(child: &mut Child) -> bool {
    child.wait().map_or(true, |status| status.code() == Some(127))
}

/// Gives text to a pager, and returns whether it took it. One that the user leaves early has shown enough.
fn give(child: &mut Child, text: &str) -> bool {
    let Some(stdin) = &mut child.stdin else { return false };
    let choice = anstream::AutoStream::choice(&io::stdout());
    anstream::AutoStream::new(stdin as &mut dyn Write, choice).write_all(text.as_bytes()).is_ok()
}

/// Returns whether the text is no longer than the terminal, whatever the pager would do about it.
fn fits(text: &str, environment: &Environment) -> bool {
    let Ok(size) = rustix::termios::tcgetwinsize(io::stdout()) else { return false };
    let columns = width(environment).unwrap_or(usize::MAX).max(1);
    let lines = text.lines().map(|line| {
        let columns_used = phrase::columns(&anstream::adapter::strip_str(line).to_string());
        columns_used.div_ceil(columns).max(1)
    });
    lines.take(usize::from(size.ws_row)).sum::<usize>() < usize::from(size.ws_row)
}

/// Starts the user's pager; `None` where there is none, or none is wanted.
fn start_pager(environment: &Environment) -> Option<Child> {
    let pager = environment.pager.clone().unwrap_or_else(|| OsString::from(DEFAULT_PAGER));
    if pager.is_empty() || pager == "cat" {
        return None;
    }
    let mut command = Command::new("/bin/sh");
    // As git does: a pager may have options.
    command.arg("-c").arg(pager).stdin(Stdio::piped());
    for (name, value) in OPTIONS {
        if !environment.variables.iter().any(|(key, _)| key == name) {
            command.env(name, value);
        }
    }
    command.spawn().ok()
}
