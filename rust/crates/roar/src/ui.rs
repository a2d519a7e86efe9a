//! The one place that knows the terminal.
//!
//! Commands compose text with styles in it; here it is printed, without the styles where they are not wanted (no terminal,
//! `NO_COLOR`). Data goes to standard output, everything else to standard error.

mod pager;
mod progress;
mod table;

use std::fmt::{self, Display};
use std::io::{self, BufRead, BufWriter, ErrorKind, IsTerminal, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use clap::builder::StyledStr;
use serde::{Serialize, Serializer};

use crate::env::Environment;
use crate::error::{CliError, Kind};

pub(crate) use pager::{Pages, page};
pub(crate) use progress::Progress;
pub(crate) use table::{Rows, Table};

/// JSON that is written in one call: the fewer calls, up to what stays in the processor's cache.
const JSON_BUFFER_BYTES: usize = 256 << 10;

/// Things up to which JSON is indented: of more, nobody reads it, and it would be twice as long.
const INDENTED_MAX: usize = 10_000;

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
    match anstream::AutoStream::choice(&io::stdout()) {
        // In one piece: what takes the styles out as it goes writes piece by piece.
        ColorChoice::Never => {
            let mut plain = String::with_capacity(text.len());
            plain.extend(anstream::adapter::strip_str(text));
            write_out(&plain)
        }
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => write_out(text),
    }
}

fn write_out(text: &str) -> Result<bool, CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
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

/// Prints data as JSON.
pub(crate) fn print_json(data: &impl Serialize) -> Result<(), CliError> {
    write_json(|out| serde_json::to_writer_pretty(out, data))
}

/// Prints data as JSON, of so many things: without blanks where that is too much for a person.
pub(crate) fn print_long_json(data: &impl Serialize, things: usize) -> Result<(), CliError> {
    if things > INDENTED_MAX {
        return write_json(|out| serde_json::to_writer(out, data));
    }
    print_json(data)
}

/// A list that is made while it is written.
pub(crate) struct Lazy<F>(pub(crate) F);

impl<F, I> Serialize for Lazy<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes JSON as it comes about. There is no style in it that would have to be taken out.
fn write_json(write: impl FnOnce(&mut dyn Write) -> Result<(), serde_json::Error>) -> Result<(), CliError> {
    let mut out = BufWriter::with_capacity(JSON_BUFFER_BYTES, io::stdout().lock());
    let written = write(&mut out).map_err(io::Error::from);
    let written = written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::new(Kind::Environment, "cannot write to standard output").with_source(&error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
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
