//! The eBPF tracer: loads the kernel side, runs a command, collects what the kernel tells of it, and reports.
//!
//! Not finished: docs/ebpf.md says what it does not see yet, and so does every run.
//!
//! # Safety
//!
//! `unsafe` is calls of the system, and the memory that the kernel side shares; each module with some says what makes it sound.

mod actions;
mod btf;
mod collector;
mod env;
mod probe;
mod ring;
mod run;

use std::process::ExitCode;

use tracer_host::signals::{self, Roar};
use tracer_host::{Control, ToRoar, TracerArguments};

/// Exit status of a tracer that failed; `roar` has been told more by then, if it could be.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    let mask = signals::block_all();
    let arguments = match TracerArguments::parse(std::env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&format!("{error}; this program is started by roar, see `roar run --help`"));
            return ExitCode::from(FAILED);
        }
    };
    let roar = arguments.control.and_then(|fd| Control::inherit(fd).ok()).map(Roar::new);
    match run::trace(&arguments, roar.as_ref(), &mask) {
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

#[expect(clippy::print_stderr, reason = "a tracer started by hand has nobody else to tell")]
fn complain(what: &str) {
    eprintln!("roar-tracer-ebpf: {what}");
}
