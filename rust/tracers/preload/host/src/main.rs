//! The preload tracer: runs a command with a library in each of its processes, collects what the library tells, and reports.
//!
//! Begin reading at [`collector`]; the library is a crate of its own, and so is the journal between the two.
//!
//! # Safety
//!
//! `unsafe` is calls of the system alone; each module with some says what makes its calls sound.

mod answers;
mod check;
mod clock;
mod collector;
mod elf;
mod env;
mod images;
mod journal_file;
mod patch;
mod plans;
mod raw;
mod reader;
mod recover;
mod run;
mod sites;
mod view;
mod who;

use std::path::PathBuf;
use std::process::ExitCode;

use tracer_host::arguments::ArgumentError;
use tracer_host::preflight::CheckArguments;
use tracer_host::signals::{self, Roar};
use tracer_host::{Control, RecoveryArguments, ToRoar, TracerArguments};

/// Exit status of a tracer that failed; `roar` has been told more by then, if it could be.
const FAILED: u8 = 125;

/// The library, beside this program.
const LIBRARY: &str = "libroar_preload.so";

fn main() -> ExitCode {
    let mask = signals::block_all();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(arguments) = RecoveryArguments::parse(&words) {
        return recover(arguments);
    }
    let arguments = match CheckArguments::parse(&words) {
        Some(Ok(question)) => return check::check(&question, library(), &mask),
        Some(Err(error)) => Err(error),
        None => TracerArguments::parse(words),
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&format!("{error}; this program is started by roar, see `roar run --help`"));
            return ExitCode::from(FAILED);
        }
    };
    let roar = arguments.control.and_then(|fd| Control::inherit(fd).ok()).map(Roar::new);
    let traced = library().and_then(|library| run::trace(&arguments, roar.as_ref(), &library, &mask));
    match traced {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match &roar {
                Some(roar) => roar.tell(ToRoar::NotTraced(error.raw_os_error().unwrap_or(libc::EIO))),
                None => complain(&error.to_string()),
            }
            ExitCode::from(FAILED)
        }
    }
}

fn recover(arguments: Result<RecoveryArguments, ArgumentError>) -> ExitCode {
    let recovered = match arguments {
        Ok(arguments) => recover::recover(&arguments),
        Err(error) => Err(std::io::Error::other(error)),
    };
    match recovered {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            ExitCode::from(RecoveryArguments::STILL_RUNNING)
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a tracer started by hand has nobody else to tell")]
fn complain(what: &str) {
    eprintln!("roar-tracer-preload: {what}");
}

fn library() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    program.with_file_name(LIBRARY).canonicalize()
}
