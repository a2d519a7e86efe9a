//! Starting processes that find everything as they would without roar: signal mask and dispositions, limits, descriptors.
//!
//! # Safety
//!
//! Between fork and exec the child calls only async-signal-safe functions and touches only memory prepared before the fork.

use std::ffi::{CString, OsString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use crate::arguments::TracerArguments;
use crate::control::Control;
use crate::inherited;

/// Starts a tracer program with its end of a new control channel, and returns ours. `mask` is the signal mask for it.
pub(crate) fn launch_tracer(
    program: &Path,
    arguments: &TracerArguments,
    mask: &libc::sigset_t,
) -> io::Result<(Child, Control)> {
    let (ours, theirs) = Control::pair()?;
    let fd = theirs.as_socket().as_raw_fd();
    let origin = Some(inherited::origin());
    let arguments = TracerArguments { control: Some(fd), origin, ..arguments.clone() };
    let mut command = Command::new(program);
    command.args(arguments.to_arguments());
    command.envs(arguments.variables.iter().map(|(name, value)| (name, value)));
    let mask = *mask;
    let prepare = move || {
        inherited::restore();
        // Command gives its child an empty mask; the user's own is put back.
        // SAFETY: sigprocmask is async-signal-safe, and `mask` lives in the closure.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut()) };
        // SAFETY: fcntl only looks at the number it is given.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    };
    // SAFETY: `prepare` calls fcntl, signal, close and sigprocmask only, and allocates nothing.
    unsafe { command.pre_exec(prepare) };
    let child = command.spawn()?;
    drop(theirs);
    Ok((child, ours))
}

/// A command that was forked and is on its way to exec.
pub struct Spawned {
    /// Its process.
    pub pid: libc::pid_t,
    failure: OwnedFd,
}

/// How the way to exec ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the preparation had to say, 0 for nothing.
    pub note: u8,
    /// The error number, of execve(2) or of the preparation; `None`: the command runs.
    pub errno: Option<i32>,
}

impl Spawned {
    /// Waits until the command was executed or could not be.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn outcome(self) -> io::Result<Outcome> {
        let mut said = Vec::new();
        std::fs::File::from(self.failure).read_to_end(&mut said)?;
        let note = said.first().copied().unwrap_or(0);
        let errno = said.get(1..5).map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Ok(Outcome { note, errno })
    }
}

/// Forks, and in the child runs `prepare` and then the command, looked up in `PATH` as a shell would.
///
/// `mask` is the signal mask for the command. `prepare` runs between fork and exec and returns a note for
/// [`Outcome::note`], or the error number that ends it all.
///
/// # Safety
/// `prepare` must be async-signal-safe: no allocation, no locks, no panic.
///
/// # Errors
/// No process or pipe to be had, or an argument with a NUL byte.
pub unsafe fn spawn_command(
    command: &[OsString],
    mask: &libc::sigset_t,
    prepare: impl FnOnce() -> Result<u8, i32>,
) -> io::Result<Spawned> {
    let arguments: Vec<CString> =
        command.iter().map(|word| CString::new(word.clone().into_vec())).collect::<Result<_, _>>()?;
    let mut pointers: Vec<*const libc::c_char> = arguments.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 has just made it, and nobody else has it.
    let read_end = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    let write_end = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    // SAFETY: the child keeps to the module's rule.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let say = |bytes: &[u8]| {
                // SAFETY: bytes on this stack, to a descriptor of our own.
                unsafe { libc::write(write_end.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
            };
            let prepared = prepare();
            say(&[prepared.unwrap_or(0)]);
            let errno = match prepared {
                Ok(_) => {
                    inherited::restore();
                    // SAFETY: a valid set; sigprocmask is async-signal-safe.
                    unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
                    // SAFETY: a null-terminated array of NUL-terminated strings, all made before the fork.
                    unsafe { libc::execvp(pointers[0], pointers.as_ptr()) };
                    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
                }
                Err(errno) => errno,
            };
            say(&errno.to_le_bytes());
            // SAFETY: leaves without running destructors or handlers of the parent.
            unsafe { libc::_exit(127) }
        }
        pid => Ok(Spawned { pid, failure: read_end }),
    }
}
