//! The git program, asked early and listened to late: the caller has other things to do meanwhile.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Error text that is kept at most, bytes: the first lines say what is wrong.
const ERROR_BYTES_MAX: usize = 4 << 10;

/// Variables that turn git to another repository, as when roar runs in a hook (`git rev-parse --local-env-vars`), and
/// those that make it write.
const FOREIGN_VARIABLES: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
];

/// The program, which is ended if nobody waits for it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What git is asked for, for messages.
    subcommand: &'static str,
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Asked {
    /// Asks git in the directory. Returns at once.
    ///
    /// The program is given no terminal, writes nothing, and starts nothing that outlives it.
    pub(crate) fn git(
        top_level: &Path,
        subcommand: &'static str,
        arguments: &[&str],
    ) -> Result<Self, String> {
        Self::start("git", top_level, subcommand, arguments).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                match top_level.is_dir() {
                    true => "git is not installed".to_owned(),
                    false => format!("{} is gone", top_level.display()),
                }
            } else {
                format!("git cannot be started: {error}")
            }
        })
    }

    fn start(
        program: &str,
        top_level: &Path,
        subcommand: &'static str,
        arguments: &[&str],
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        // Not to start the daemon that watches files.
        command.args(["-c", "core.fsmonitor=false", subcommand]).args(arguments);
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        // Not to refresh the index; not to ask anybody; messages in English, which is what `reason` is in.
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command.current_dir(top_level).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().expect("it was asked for");
        let stderr = child.stderr.take().expect("it was asked for");
        Ok(Self { subcommand, child, stdout, stderr })
    }

    /// Returns what the program says, as many bytes as that, and whether that is all of it.
    pub(crate) fn wait(mut self, timeout: Duration, bytes_max: usize) -> Result<(Vec<u8>, bool), String> {
        let deadline = Instant::now() + timeout;
        let mut output = Stream::new(bytes_max);
        let mut errors = Stream::new(ERROR_BYTES_MAX);
        while output.is_open || errors.is_open {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Err(format!("git {} took longer than {} ms", self.subcommand, timeout.as_millis()));
            };
            let (is_output, is_error) =
                self.listen(&output, &errors, left).map_err(|error| error.to_string())?;
            if is_output {
                output.read(&mut self.stdout);
            }
            if is_error {
                errors.read(&mut self.stderr);
            }
            if output.is_cut {
                return Ok((output.bytes, false));
            }
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok((output.bytes, true))
        } else {
            Err(failure(self.subcommand, status, &errors.bytes))
        }
    }

    /// Waits until one of the streams has something to say.
    fn listen(&self, output: &Stream, errors: &Stream, left: Duration) -> io::Result<(bool, bool)> {
        let events = |stream: &Stream| {
            if stream.is_open { PollFlags::IN } else { PollFlags::empty() }
        };
        let mut fds = [PollFd::new(&self.stdout, events(output)), PollFd::new(&self.stderr, events(errors))];
        // A stream that has ended reports that for ever: only one that is open is asked.
        let asked = if output.is_open && errors.is_open {
            &mut fds[..]
        } else if output.is_open {
            &mut fds[..1]
        } else {
            &mut fds[1..]
        };
        match poll(asked, Timespec::try_from(left).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok((!fds[0].revents().is_empty(), !fds[1].revents().is_empty()))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Neither can fail in a way that matters: the program may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What came out of a pipe so far.
struct Stream {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_open: bool,
    /// There was more than we keep.
    is_cut: bool,
}

impl Stream {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, is_open: true, is_cut: false }
    }

    /// Reads once, what is there.
    fn read(&mut self, pipe: &mut impl Read) {
        let mut buffer = [0; 16 << 10];
        match pipe.read(&mut buffer) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                let room = self.bytes_max - self.bytes.len();
                self.is_cut |= count > room;
                self.bytes.extend_from_slice(&buffer[..count.min(room)]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.is_open = false,
        }
    }
}

fn failure(subcommand: &str, status: ExitStatus, errors: &[u8]) -> String {
    let errors = String::from_utf8_lossy(errors);
    match errors.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("git {subcommand}: {}", line.trim()),
        None => format!("git {subcommand}: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    /// Asks a program of ours in place of git.
    fn ask(script: &str, timeout: Duration) -> Result<(Vec<u8>, bool), String> {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("git");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Asked::start(program.to_str().unwrap(), folder.path(), "status", &[]).unwrap().wait(timeout, 1 << 20)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_program_that_does_not_answer_is_ended() {
        let begun = Instant::now();
        let answer = ask("exec sleep 60", Duration::from_millis(30));
        assert_eq!(answer, Err("git status took longer than 30 ms".to_owned()));
        assert!(begun.elapsed() < LONG);
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let answer =
            ask("echo >&2; echo 'fatal: detected dubious ownership' >&2; echo more >&2; exit 128", LONG);
        assert_eq!(answer, Err("git status: fatal: detected dubious ownership".to_owned()));
        assert_eq!(ask("exit 3", LONG), Err("git status: exit status: 3".to_owned()));
    }

    #[test]
    fn a_flood_of_errors_neither_blocks_nor_is_kept() {
        assert_eq!(ask("head -c 1000000 /dev/zero >&2", LONG), Ok((Vec::new(), true)));
    }

    #[test]
    fn a_flood_of_output_is_cut_and_said_to_be() {
        let script = "yes";
        let (output, is_complete) = ask(script, LONG).unwrap();
        assert!(!is_complete && output.len() == 1 << 20);
    }

    #[test]
    fn the_program_has_no_input_and_no_variables_of_another_repository() {
        let script = "cat; test -z \"$GIT_DIR$GIT_INDEX_FILE\" && test \"$GIT_OPTIONAL_LOCKS\" = 0";
        assert_eq!(ask(script, LONG), Ok((Vec::new(), true)));
    }
}
