//! The control channel between `roar` and a tracer program: small fixed messages over a socket pair.
//!
//! The channel's end, when the tracer is gone, tells `roar` that nothing more will come.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// A message to `roar`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToRoar {
    /// The command runs, as that process.
    Started(u32),
    /// The command was stopped by that signal (job control); a shell expects `roar` to stop as well.
    Stopped(i32),
    /// The command goes on.
    Continued,
    /// The command has ended, with that wait status; what is told of it follows.
    Ended(i32),
    /// The report is written. The tracer may live on, to serve descendants that were left running.
    Reported,
    /// The report could not be written and follows here, so many bytes of it; then the tracer has reported.
    ReportFollows(u32),
    /// The command could not be executed; the error number of execve(2).
    NotExecuted(i32),
    /// The tracer could not begin to trace; the error number. The command has not run.
    NotTraced(i32),
}

/// A message to the tracer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToTracer {
    /// `roar` has heard that the command goes on, and does so itself.
    Awake,
    /// `roar` was sent this signal by that process: pass it on, unless the command was sent it as well.
    Signal {
        /// Number of the signal.
        signal: i32,
        /// Who sent it (`si_pid`).
        sender: i32,
    },
}

const MESSAGE_BYTES: usize = 12;

fn encode(kind: u32, a: i32, b: i32) -> [u8; MESSAGE_BYTES] {
    let mut bytes = [0; MESSAGE_BYTES];
    bytes[..4].copy_from_slice(&kind.to_le_bytes());
    bytes[4..8].copy_from_slice(&a.to_le_bytes());
    bytes[8..].copy_from_slice(&b.to_le_bytes());
    bytes
}

fn decode(bytes: [u8; MESSAGE_BYTES]) -> (u32, i32, i32) {
    let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    (u32::from_le_bytes(word(0)), i32::from_le_bytes(word(4)), i32::from_le_bytes(word(8)))
}

/// One end of the channel.
#[derive(Debug)]
pub struct Control(UnixStream);

impl Control {
    /// Returns a channel's two ends, both close-on-exec.
    ///
    /// # Errors
    /// Those of socketpair(2).
    pub fn pair() -> io::Result<(Self, Self)> {
        UnixStream::pair().map(|(a, b)| (Self(a), Self(b)))
    }

    /// Takes over the end that was inherited as `fd`, and closes it on exec from now on.
    ///
    /// # Errors
    /// `fd` is not open, or no socket.
    pub fn inherit(fd: RawFd) -> io::Result<Self> {
        let (mut domain, mut bytes) = (0_i32, size_of::<i32>() as libc::socklen_t);
        let place = (&raw mut domain).cast();
        // SAFETY: a place of that length; the descriptor is only looked at.
        let asked = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, place, &raw mut bytes) };
        if asked != 0 {
            return Err(io::Error::last_os_error());
        }
        if domain != libc::AF_UNIX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: fcntl only looks at the number it is given.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `roar` passed the descriptor for this process alone to own, and the call above found it open.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(UnixStream::from(owned)))
    }

    /// Returns a second handle of the same end.
    ///
    /// # Errors
    /// Those of dup(2).
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Returns the socket, to wait for or to pass on.
    pub fn as_socket(&self) -> &UnixStream {
        &self.0
    }

    fn send(&self, bytes: [u8; MESSAGE_BYTES]) -> io::Result<()> {
        (&self.0).write_all(&bytes)
    }

    fn receive(&self) -> io::Result<Option<(u32, i32, i32)>> {
        let mut bytes = [0; MESSAGE_BYTES];
        match (&self.0).read_exact(&mut bytes) {
            Ok(()) => Ok(Some(decode(bytes))),
            // An end that closes with messages unread resets the channel: that is an end as well.
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends to `roar`.
    ///
    /// # Errors
    /// `roar` is gone.
    pub fn tell_roar(&self, message: ToRoar) -> io::Result<()> {
        self.send(match message {
            ToRoar::Started(pid) => encode(1, pid as i32, 0),
            ToRoar::Stopped(signal) => encode(2, signal, 0),
            ToRoar::Continued => encode(3, 0, 0),
            ToRoar::Reported => encode(4, 0, 0),
            ToRoar::ReportFollows(bytes) => encode(7, bytes as i32, 0),
            ToRoar::NotExecuted(errno) => encode(5, errno, 0),
            ToRoar::NotTraced(errno) => encode(6, errno, 0),
            ToRoar::Ended(status) => encode(8, status, 0),
        })
    }

    /// Waits for a message of the tracer; `None` when there will be no more.
    ///
    /// # Errors
    /// A message of an unknown kind, or of the socket.
    pub fn hear_tracer(&self) -> io::Result<Option<ToRoar>> {
        let Some((kind, a, _)) = self.receive()? else {
            return Ok(None);
        };
        Ok(Some(match kind {
            1 => ToRoar::Started(a as u32),
            2 => ToRoar::Stopped(a),
            3 => ToRoar::Continued,
            4 => ToRoar::Reported,
            5 => ToRoar::NotExecuted(a),
            6 => ToRoar::NotTraced(a),
            7 => ToRoar::ReportFollows(a as u32),
            8 => ToRoar::Ended(a),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }))
    }

    /// Sends a report that could not be written.
    ///
    /// # Errors
    /// `roar` is gone, or the report is larger than 4 GiB.
    pub fn send_report(&self, report: &[u8]) -> io::Result<()> {
        let bytes = u32::try_from(report.len()).map_err(io::Error::other)?;
        self.tell_roar(ToRoar::ReportFollows(bytes))?;
        (&self.0).write_all(report)
    }

    /// Takes the report that follows.
    ///
    /// # Errors
    /// The tracer is gone before its end.
    pub fn receive_report(&self, bytes: u32) -> io::Result<Vec<u8>> {
        let mut report = Vec::new();
        (&self.0).take(bytes.into()).read_to_end(&mut report)?;
        if report.len() < bytes as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(report)
    }

    /// Sends to the tracer.
    ///
    /// # Errors
    /// The tracer is gone.
    pub fn tell_tracer(&self, message: ToTracer) -> io::Result<()> {
        self.send(match message {
            ToTracer::Signal { signal, sender } => encode(1, signal, sender),
            ToTracer::Awake => encode(2, 0, 0),
        })
    }

    /// Waits for a message of `roar`; `None` when there will be no more.
    ///
    /// # Errors
    /// A message of an unknown kind, or of the socket.
    pub fn hear_roar(&self) -> io::Result<Option<ToTracer>> {
        match self.receive()? {
            None => Ok(None),
            Some((1, signal, sender)) => Ok(Some(ToTracer::Signal { signal, sender })),
            Some((2, ..)) => Ok(Some(ToTracer::Awake)),
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_and_the_end_is_told() {
        let (roar, tracer) = Control::pair().unwrap();
        for message in [
            ToRoar::Started(7),
            ToRoar::Stopped(20),
            ToRoar::Continued,
            ToRoar::Ended(9),
            ToRoar::NotExecuted(13),
        ] {
            tracer.tell_roar(message).unwrap();
            assert_eq!(roar.hear_tracer().unwrap(), Some(message));
        }
        let signal = ToTracer::Signal { signal: 2, sender: 99 };
        roar.tell_tracer(signal).unwrap();
        assert_eq!(tracer.hear_roar().unwrap(), Some(signal));
        drop(tracer);
        assert_eq!(roar.hear_tracer().unwrap(), None);
    }
}
