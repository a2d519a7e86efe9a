//! The one place that knows the terminal.
//!
//! Commands compose text with styles in it; here it is printed, without the styles where they are not wanted (no terminal,
//! `NO_COLOR`). Data goes to standard output, everything else to standard error.

mod json;
mod pager;
mod progress;
mod table;

use std::fmt::{self, Display};
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use clap::builder::StyledStr;

use crate::env::Environment;
use crate::error::{CliError, Kind};

pub(crate) use json::{INDENTED_MAX, Lazy, List, print_json, print_long_json, print_long_lists};
pub(crate) use pager::{Pages, page};
pub(crate) use progress::Progress;
pub(crate) use table::{Rows, Table};

/// What a piece of text is, which decides its looks; the text says the same without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Begins a section or a column.
    Heading,
    /// Names a step: what can be typed as a target.
    Step,
    /// Less important than what is around it.
    Faint,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
    /// What to do.
    Hint,
}

impl Role {
    fn style(self) -> Style {
        match self {
            Self::Heading => Style::new().bold(),
            Self::Step => AnsiColor::Yellow.on_default(),
            Self::Faint => Style::new().dimmed(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Hint => AnsiColor::Cyan.on_default().bold(),
        }
    }

    /// Returns the text with the looks of the role.
    pub(crate) fn paint<T: Display>(self, text: T) -> impl Display {
        Painted { style: self.style(), text }
    }
}

struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, text } = self;
        write!(f, "{style}{text}{style:#}")
    }
}

/// Prints data. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    print_to_reader(text).map(drop)
}

/// Prints data, and returns whether somebody still reads.
fn print_to_reader(text: &str) -> Result<bool, CliError> {
    if has_styles() || is_plain(text) {
        return write_out(text);
    }
    // In one piece: what takes the styles out as it goes writes piece by piece.
    let mut plain = String::with_capacity(text.len());
    plain.extend(anstream::adapter::strip_str(text));
    write_out(&plain)
}

/// Returns whether styles are wanted where data goes.
pub(crate) fn has_styles() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Returns whether nothing in the text could begin a style. It looks at every byte, which is much faster than stopping.
fn is_plain(text: &str) -> bool {
    let is_control = |byte: u8| (byte < b' ' && !matches!(byte, b'\n' | b'\t' | b'\r')) | (byte == 0x7f);
    !text.bytes().fold(false, |found, byte| found | is_control(byte))
}

fn write_out(text: &str) -> Result<bool, CliError> {
    let mut stdout = io::stdout().lock();
    is_read(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Returns whether somebody still reads what was written to standard output.
fn is_read(written: io::Result<()>) -> Result<bool, CliError> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(CliError::new(Kind::Environment, "cannot write to standard output").with_source(&error))
        }
    }
}

/// Prints a document as it is, whatever is in it.
pub(crate) fn print_plain(text: &str) -> Result<(), CliError> {
    write_out(text).map(drop)
}

/// Says something to the person in front; where nobody can hear, that is no failure.
pub(crate) fn say(text: impl Display) {
    drop(writeln!(anstream::stderr(), "{text}"));
}

/// Says that something is not as it should be.
pub(crate) fn warn(text: impl Display) {
    say(format_args!("{} {text}", Role::Warning.paint("warning:")));
}

/// Says what can be done.
pub(crate) fn hint(text: impl Display) {
    say(format_args!("{} {text}", Role::Hint.paint("hint:")));
}

/// Says why a command failed.
pub(crate) fn print_error(error: &CliError) {
    say(format_args!("{} {error}", Role::Error.paint("error:")));
    for cause in error.causes() {
        say(format_args!("  caused by: {cause}"));
    }
    if !error.hints().is_empty() {
        say("");
    }
    for text in error.hints() {
        hint(text);
    }
}

/// Prints what there is to say about the command line: on standard output if it was asked for.
pub(crate) fn print_usage(text: &StyledStr, status: u8) {
    let text = text.ansi().to_string();
    match status {
        0 => drop(print(&text)),
        _ => drop(write!(anstream::stderr(), "{text}")),
    }
}

/// Asks a question that is answered by yes, unless said otherwise; `None` where nobody is there to answer.
pub(crate) fn ask(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "{question} [Y/n] ").and_then(|()| stderr.flush()).ok()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes"))
}

/// Returns how many columns a line on standard output has; `None` where it may be as long as it is.
pub(crate) fn width(environment: &Environment) -> Option<usize> {
    environment.columns.or_else(|| {
        let stdout = io::stdout();
        let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok())??;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    })
}
