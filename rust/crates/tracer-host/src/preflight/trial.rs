//! Trying a tracer on a small command whose effects are known.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tracer_schema::{Exit, TracerReport};

use super::{Fact, errno_words};
use crate::arguments::TracerArguments;
use crate::env;
use crate::report_file::read_report;

/// Name of the fact.
pub(super) const NAME: &str = "trial";

/// What has to be seen.
const NEEDED: &str = "a child is followed, and what it reads is seen";

/// A child reads a file. It is no last command, so that the shell does not become it.
const SCRIPT: &str = "(read -r word < \"$1\"); exit 7";

/// With what the shell ends, to be told from a shell that fails.
const STATUS: i32 = 7;

const FILE: &str = "tried";

/// Runs a shell by `trace` and returns how that went.
pub(super) fn trial(
    run_dir: Option<&Path>,
    remedy: &str,
    trace: impl FnOnce(&TracerArguments) -> io::Result<()>,
) -> Fact {
    let own;
    let run_dir = match run_dir {
        Some(run_dir) => run_dir,
        None => match OwnDir::make() {
            Ok(made) => {
                own = made;
                &own.0
            }
            Err(error) => {
                return failed(
                    format!("no directory for it can be made: {error}"),
                    "set TMPDIR to one where you may write",
                );
            }
        },
    };
    let file = run_dir.join(FILE);
    if let Err(error) = fs::write(&file, "word\n") {
        return failed(
            format!("{} cannot be written: {error}", file.display()),
            "set TMPDIR to a directory where you may write",
        );
    }
    let words: [OsString; 5] =
        ["/bin/sh".into(), "-c".into(), SCRIPT.into(), "sh".into(), file.clone().into()];
    let arguments = TracerArguments {
        run_dir: run_dir.to_owned(),
        control: None,
        linger_ms: 0,
        wants_log: false,
        wants_spool: false,
        origin: None,
        variables: Vec::new(),
        command: words.into(),
    };
    if let Err(error) = trace(&arguments) {
        return failed(errno_words(&error), remedy);
    }
    match read_report(run_dir) {
        Ok(report) => judge(&report, &file, remedy),
        Err(error) => failed(error.to_string(), ""),
    }
}

fn judge(report: &TracerReport, file: &Path, remedy: &str) -> Fact {
    if report.exit != Some(Exit::Code { code: STATUS }) {
        let how = match report.exit {
            Some(exit) => format!("with status {}", exit.shell_status()),
            None => "nobody knows how".to_owned(),
        };
        return failed(format!("/bin/sh ended {how}, not with {STATUS}"), remedy);
    }
    let is_read =
        report.files.iter().any(|seen| seen.path.as_bytes() == file.as_os_str().as_bytes() && seen.read);
    let has_child = report.processes.len() > 1;
    if is_read && has_child {
        let how =
            if report.tracer.mode.is_empty() { String::new() } else { format!(" ({})", report.tracer.mode) };
        return Fact::met(NAME, format!("a shell and its child were seen{how}"), NEEDED);
    }
    let found = match report.coverage.gaps.first() {
        Some(gap) => format!("/bin/sh was not seen: {}", gap.detail),
        None if has_child => "a child was followed, and what it read was not seen".to_owned(),
        None => "a child was not followed".to_owned(),
    };
    failed(found, remedy)
}

fn failed(found: String, remedy: &str) -> Fact {
    Fact::deciding(NAME, false, found, NEEDED, remedy)
}

/// A directory for one who asks by hand.
struct OwnDir(PathBuf);

impl OwnDir {
    fn make() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("roar-check-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for OwnDir {
    fn drop(&mut self) {
        // What cannot be removed is small.
        let _left = fs::remove_dir_all(&self.0);
    }
}
