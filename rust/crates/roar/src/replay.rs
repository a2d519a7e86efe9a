//! Running a recorded command again, by `roar run` itself.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use roar_store::{Job, JobContext, JobKind, Stream, StreamKind};
use tracer_schema::PathBytes;

use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{quote, ui};

/// A command to be run again: the recorded one, or the same elsewhere.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) kind: JobKind,
    pub(crate) backend: String,
    pub(crate) command: Vec<PathBytes>,
    pub(crate) cwd: PathBytes,
    pub(crate) streams: Vec<Stream>,
    pub(crate) labels: Vec<(String, String)>,
    /// The id of the job, unless it is made elsewhere.
    pub(crate) rerun_of: Option<String>,
    /// Whether `roar run` says what it recorded.
    pub(crate) is_quiet: bool,
}

impl Replay {
    /// Returns the command as it was recorded.
    pub(crate) fn of(job: &Job, context: &JobContext) -> Self {
        Self {
            kind: job.kind,
            backend: job.backend.clone(),
            command: job.command.clone(),
            cwd: job.cwd.clone(),
            streams: context.streams.clone(),
            labels: context.labels.clone(),
            rerun_of: Some(job.id.clone()),
            is_quiet: false,
        }
    }

    /// Runs it as `roar run` does, in its directory, with its standard streams from and to the same files.
    pub(crate) fn run(
        &self,
        environment: &Environment,
        variables: &[(OsString, OsString)],
    ) -> Result<ExitStatus, CliError> {
        let cwd = self.cwd.as_path();
        let mut command = Command::new(&environment.program);
        command.arg(self.kind.name()).args(["--tracer", &self.backend]);
        if self.is_quiet {
            command.arg("--quiet");
        }
        for (key, value) in &self.labels {
            command.arg("--label").arg(format!("{key}={value}"));
        }
        if let Some(id) = &self.rerun_of {
            command.args(["--rerun-of", id]);
        }
        command.arg("--").args(self.command.iter().map(|word| OsStr::from_bytes(word.as_bytes())));
        command.current_dir(cwd).envs(variables.iter().map(|(name, value)| (name, value)));
        self.redirect(&mut command)?;
        command.status().map_err(|source| {
            let shown = quote::word(self.cwd.as_bytes());
            CliError::new(Kind::Environment, format!("cannot run a command in {shown}"))
                .with_source(&source)
                .with_hint("its directory must be there")
        })
    }

    fn redirect(&self, command: &mut Command) -> Result<(), CliError> {
        let mut open: Vec<(PathBuf, File)> = Vec::new();
        for stream in &self.streams {
            let stdio = match (stream.kind, &stream.path) {
                (StreamKind::File, Some(path)) => {
                    let path = path.as_path();
                    if stream.fd > 0 && is_ours(path) {
                        continue;
                    }
                    // `> log 2>&1` is one open file.
                    let known = open.iter().find(|(other, _)| other == path && stream.fd > 0);
                    let file = match known {
                        Some((_, file)) => file.try_clone(),
                        None => open_stream(path, stream),
                    };
                    let file = match file {
                        // Where a log went is no reason not to make what comes of the step.
                        Err(source) if stream.fd > 0 && !path.parent().is_some_and(Path::is_dir) => {
                            ui::warn(format_args!(
                                "{} went to {}: {source}",
                                stream_name(stream),
                                shown(path)
                            ));
                            continue;
                        }
                        file => file.map_err(|source| {
                            let failure =
                                format!("cannot open {}, {} of the step", shown(path), stream_name(stream));
                            CliError::new(Kind::Environment, failure).with_source(&source)
                        })?,
                    };
                    if stream.fd > 0 {
                        open.extend(file.try_clone().ok().map(|file| (path.to_owned(), file)));
                    }
                    Stdio::from(file)
                }
                (StreamKind::Null, _) if stream.fd == 0 => Stdio::null(),
                (StreamKind::Pipe, _) if stream.fd == 0 => {
                    ui::warn("its standard input was a pipe, whose content is not recorded: it is empty now");
                    Stdio::null()
                }
                _ => continue,
            };
            match stream.fd {
                0 => command.stdin(stdio),
                1 => command.stdout(stdio),
                _ => command.stderr(stdio),
            };
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    quote::word(path.as_os_str().as_bytes())
}

fn stream_name(stream: &Stream) -> &'static str {
    match stream.fd {
        0 => "the standard input",
        1 => "the standard output",
        _ => "the standard error",
    }
}

/// Returns whether what roar itself says goes to that file: then it is not to be emptied, and the command writes there anyway.
fn is_ours(path: &Path) -> bool {
    let Ok(there) = rustix::fs::stat(path) else { return false };
    let same = |stat: rustix::io::Result<rustix::fs::Stat>| {
        stat.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (there.st_dev, there.st_ino))
    };
    same(rustix::fs::fstat(io::stdout())) || same(rustix::fs::fstat(io::stderr()))
}

fn open_stream(path: &Path, stream: &Stream) -> io::Result<File> {
    match (stream.fd, stream.is_append) {
        (0, _) => File::open(path),
        (_, true) => OpenOptions::new().create(true).append(true).open(path),
        (_, false) => OpenOptions::new().create(true).write(true).truncate(true).open(path),
    }
}
