//! Running a command with a time limit, and ending all of it when the time is over.

use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::world::spawn;

/// How long a case may take: the slowest takes a few seconds, and a loaded machine is ten times slower.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How a command ended, as a shell would put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Ending {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

/// Runs the command in a process group of its own and returns how it ended; `started` is told its process id.
pub fn run(
    command: &mut Command,
    limit: Duration,
    started: impl FnOnce(Pid) -> Result<()>,
) -> Result<Ending> {
    let mut child = spawn(command.process_group(0))?;
    let pid = Pid::from_child(&child);
    let outcome = started(pid).and_then(|()| wait_until(pid, Instant::now() + limit));
    if outcome.is_err() {
        // The group also holds the traced processes, unless they left it.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    outcome.map(|()| status.into())
}

fn wait_until(pid: Pid, deadline: Instant) -> Result<()> {
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| format!("pidfd_open: {error}"))?;
    wait_readable(&handle, deadline)
}

/// Waits until something can be read from `handle`.
pub fn wait_readable(handle: impl AsFd, deadline: Instant) -> Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|error| error.to_string())?;
        let mut polled = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => return Err("it did not end in time and was killed".to_owned()),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
    }
}
