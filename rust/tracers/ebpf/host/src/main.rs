//! The eBPF tracer: loads the kernel side, runs a command, collects what the kernel tells of it, and reports.
//!
//! # Safety
//!
//! `unsafe` is calls of the system, and the memory that the kernel side shares; each module with some says what makes it sound.

mod actions;
mod bpf;
mod btf;
mod calls;
mod check;
mod collector;
mod fit;
mod kernel;
mod load;
mod losses;
mod privileges;
mod probe;
mod ring;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use tracer_host::preflight::CheckArguments;
use tracer_host::signals::{self, Roar};
use tracer_host::{Control, ToRoar, TracerArguments};

use crate::privileges::PrivilegeError;
use crate::probe::{LoadError, Probe};

/// Exit status of a tracer that failed; `roar` has been told more by then, if it could be.
const FAILED: u8 = 125;

/// Why the kernel side is not there.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

fn main() -> ExitCode {
    let mask = signals::block_all();
    let secluded = privileges::seclude();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (question, arguments) = match CheckArguments::parse(&arguments) {
        Some(Ok(question)) => (Some(question), Ok(None)),
        Some(Err(error)) => (None, Err(error)),
        None => (None, TracerArguments::parse(arguments).map(Some)),
    };
    // Before anything is opened: a number that is not open is nobody's.
    let control = arguments.as_ref().ok().and_then(|arguments| arguments.as_ref()?.control);
    let roar = control.and_then(|fd| Control::inherit(fd).ok()).map(Roar::new);
    let is_understood = arguments.is_ok();
    let answer = question.as_ref().map(|_| check::begin());
    let loaded = secluded.map_err(StartError::from).and_then(|()| {
        if is_understood { Probe::load().map(Some).map_err(StartError::from) } else { Ok(None) }
    });
    // Whatever comes now is done with the caller's own rights.
    let loaded = privileges::relinquish().map_err(StartError::from).and(loaded);
    if let (Some(question), Some(answer)) = (&question, answer) {
        let loaded = loaded.map(|probe| probe.expect("a question is understood"));
        return check::end(answer, loaded, question, &mask);
    }
    let failed = |words: &str, errno: i32| {
        match &roar {
            Some(roar) => roar.tell(ToRoar::NotTraced(errno)),
            None => complain(words),
        }
        ExitCode::from(FAILED)
    };
    let probe = match loaded {
        Ok(probe) => probe,
        Err(error) => {
            let errno = match &error {
                StartError::Privilege(_) => libc::EPERM,
                StartError::Load(error) => error.errno(),
            };
            return failed(&error.to_string(), errno);
        }
    };
    match (arguments, probe) {
        (Err(error), _) => {
            complain(&format!("{error}; this program is started by roar, see `roar run --help`"));
            ExitCode::from(FAILED)
        }
        (Ok(Some(arguments)), Some(probe)) => match run::trace(probe, &arguments, roar.as_ref(), &mask) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error.to_string(), error.raw_os_error().unwrap_or(libc::EIO)),
        },
        // A question, which has been answered.
        (Ok(_), _) => ExitCode::SUCCESS,
    }
}

#[expect(clippy::print_stderr, reason = "a tracer started by hand has nobody else to tell")]
fn complain(what: &str) {
    eprintln!("roar-tracer-ebpf: {what}");
}
