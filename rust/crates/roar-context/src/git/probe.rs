//! The git program, asked early and listened to late: the caller sets up the run meanwhile.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::git::repository::{Head, Repository};
use crate::git::status::{self, Status};
use crate::git::{GitState, WorkTree};

/// Output that is read at most, bytes: a hundred thousand changed files.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

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

/// A repository whose state is being found out.
#[derive(Debug)]
pub struct GitProbe {
    found: Option<Found>,
}

#[derive(Debug)]
struct Found {
    repository: Repository,
    head: Option<Head>,
    asked: Result<Asked, String>,
}

/// The program, which is ended if nobody waits for it.
#[derive(Debug)]
struct Asked {
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl GitProbe {
    /// Looks for the repository around `dir`, an absolute path, and starts `git status` in it. Returns at once.
    ///
    /// The program is given no terminal, writes nothing, and starts nothing that outlives it.
    pub fn start(dir: &Path) -> Self {
        let found = Repository::find(dir).map(|repository| {
            let asked = Asked::start("git", &repository.top_level).map_err(|error| {
                let is_missing = error.kind() == ErrorKind::NotFound;
                if is_missing {
                    "git is not installed".to_owned()
                } else {
                    format!("git cannot be started: {error}")
                }
            });
            Found { head: repository.head(), repository, asked }
        });
        Self { found }
    }

    /// Returns the top of the work tree, which is known from the start; `None` outside of any repository.
    pub fn top_level(&self) -> Option<&Path> {
        self.found.as_ref().map(|found| found.repository.top_level.as_path())
    }

    /// Returns the state, waiting for git at most that long; `None` outside of any repository.
    pub fn wait(self, timeout: Duration) -> Option<GitState> {
        let Found { repository, head, asked } = self.found?;
        let answer = asked.and_then(|asked| asked.wait(timeout));
        let (told, work_tree) = match answer {
            Ok((Status { head, changed }, is_complete)) => {
                let is_clean = changed.is_empty() && is_complete;
                let dirty = WorkTree::Dirty { changed, is_complete };
                (head, if is_clean { WorkTree::Clean } else { dirty })
            }
            Err(reason) => (Head::default(), WorkTree::Unknown { reason }),
        };
        let Head { branch, commit } = head.unwrap_or(told);
        let remote_url = repository.remote_url(branch.as_deref());
        Some(GitState { top_level: repository.top_level, commit, branch, remote_url, work_tree })
    }
}

impl Asked {
    fn start(program: &str, top_level: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        // Not to start the daemon that watches files.
        command.args([
            "-c",
            "core.fsmonitor=false",
            "status",
            "--porcelain=v2",
            "-z",
            "--branch",
            "--no-ahead-behind",
        ]);
        command.args(["--no-renames", "--untracked-files=no", "--ignore-submodules=untracked"]);
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        // Not to refresh the index; not to ask anybody; messages in English, which is what `reason` is in.
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command.current_dir(top_level).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().expect("it was asked for");
        let stderr = child.stderr.take().expect("it was asked for");
        Ok(Self { child, stdout, stderr })
    }

    /// Returns what the program says, and whether that is all of it.
    fn wait(mut self, timeout: Duration) -> Result<(Status, bool), String> {
        let deadline = Instant::now() + timeout;
        let mut output = Stream::new(OUTPUT_BYTES_MAX);
        let mut errors = Stream::new(ERROR_BYTES_MAX);
        while output.is_open || errors.is_open {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Err(format!("git status took longer than {} ms", timeout.as_millis()));
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
                return Ok((status::parse(&output.bytes), false));
            }
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok((status::parse(&output.bytes), true))
        } else {
            Err(failure(status, &errors.bytes))
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

fn failure(status: ExitStatus, errors: &[u8]) -> String {
    let errors = String::from_utf8_lossy(errors);
    match errors.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("git status: {}", line.trim()),
        None => format!("git status: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    /// Asks a program of ours in place of git.
    fn ask(script: &str, timeout: Duration) -> Result<(Status, bool), String> {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("git");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Asked::start(program.to_str().unwrap(), folder.path()).unwrap().wait(timeout)
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
        assert_eq!(ask("head -c 1000000 /dev/zero >&2", LONG), Ok((Status::default(), true)));
    }

    #[test]
    fn a_flood_of_changes_is_cut_and_said_to_be() {
        let script = "yes \"1 .M N... 1 1 1 a b $(head -c 4000 /dev/zero | tr '\\0' x)\" | tr '\\n' '\\0'";
        let (status, is_complete) = ask(script, LONG).unwrap();
        assert!(!is_complete && !status.changed.is_empty());
    }

    #[test]
    fn the_program_has_no_input_and_no_variables_of_another_repository() {
        let script = "cat; test -z \"$GIT_DIR$GIT_INDEX_FILE\" && test \"$GIT_OPTIONAL_LOCKS\" = 0";
        assert_eq!(ask(script, LONG), Ok((Status::default(), true)));
    }
}
