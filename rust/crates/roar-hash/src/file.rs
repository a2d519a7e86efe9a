//! A file held open for reading, whose version was checked.

use std::io;
use std::path::{Component, Path};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::{Errno, pread, retry_on_intr};
use tracer_schema::{FileStamp, NodeKind};

use crate::stamp::{is_same_version, is_untouched, now_ns, stamp_of};
use crate::{Outcome, Request};

/// PATH_MAX of Linux with its final NUL: a longer path is walked in steps.
const PATH_MAX: usize = 4096;

/// How a file is opened: without waiting for anything, without following a link, without leaving a trace.
const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY);

/// Where a path is looked up: the whole path, or its last part below a directory where the path is too long.
struct Place<'a> {
    directory: Option<OwnedFd>,
    name: &'a Path,
}

impl<'a> Place<'a> {
    fn find(path: &'a Path) -> Result<Self, Errno> {
        let mut place = Self { directory: None, name: path };
        while place.name.as_os_str().len() >= PATH_MAX {
            place = place.step()?;
        }
        Ok(place)
    }

    /// Goes down as far as one call can.
    fn step(self) -> Result<Self, Errno> {
        let mut rest = self.name.components();
        let whole = self.name.as_os_str().len();
        while whole - rest.as_path().as_os_str().len() < PATH_MAX / 2 {
            if !matches!(rest.next(), Some(Component::RootDir | Component::Normal(_))) {
                return Err(Errno::NAMETOOLONG);
            }
        }
        let head_bytes = whole - rest.as_path().as_os_str().len();
        let head = &self.name.as_os_str().as_encoded_bytes()[..head_bytes];
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match self.directory {
            Some(above) => openat(above, head, flags, Mode::empty()),
            None => openat(CWD, head, flags, Mode::empty()),
        }?;
        Ok(Self { directory: Some(directory), name: rest.as_path() })
    }

    fn stamp(&self) -> Result<FileStamp, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = match &self.directory {
            Some(directory) => statat(directory, self.name, flags),
            None => statat(CWD, self.name, flags),
        };
        stat.map(|stat| stamp_of(&stat))
    }

    /// Opens without changing the access time, where the kernel lets us (open(2): the owner, or CAP_FOWNER).
    fn open(&self) -> Result<OwnedFd, Errno> {
        let open = |flags| match &self.directory {
            Some(directory) => openat(directory, self.name, flags, Mode::empty()),
            None => openat(CWD, self.name, flags, Mode::empty()),
        };
        match retry_on_intr(|| open(FLAGS | OFlags::NOATIME)) {
            Err(Errno::PERM) => retry_on_intr(|| open(FLAGS)),
            result => result,
        }
    }

    fn target(&self) -> Result<Vec<u8>, Errno> {
        let target = match &self.directory {
            Some(directory) => readlinkat(directory, self.name, Vec::new()),
            None => readlinkat(CWD, self.name, Vec::new()),
        };
        target.map(std::ffi::CString::into_bytes)
    }
}

/// Returns the stamp of the file at `path` itself (a symbolic link is not followed), or `None` where there is none.
///
/// # Errors
/// Whatever lstat(2) says, but for a missing file.
pub fn stamp_at(path: &Path) -> io::Result<Option<FileStamp>> {
    match Place::find(path).and_then(|place| place.stamp()) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Returns what a failed call on the path says about the file.
pub(crate) fn failure(errno: Errno) -> Outcome {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Outcome::Gone,
        errno => Outcome::Unreadable { source: errno.into() },
    }
}

fn check(request: &Request<'_>, now: FileStamp) -> Result<FileStamp, Outcome> {
    let is_kind = match request.kind {
        NodeKind::File => now.is_regular(),
        NodeKind::Symlink => now.is_symlink(),
        // It is on no file system.
        NodeKind::Object => false,
    };
    let is_version = request.expect.is_none_or(|expect| is_same_version(&expect, &now, request.moved));
    if is_kind && is_version { Ok(now) } else { Err(Outcome::Changed { now }) }
}

/// Returns the stamp of the file at the path, if it is the wanted version.
pub(crate) fn verify(request: &Request<'_>) -> Result<FileStamp, Outcome> {
    let now = Place::find(request.path).and_then(|place| place.stamp()).map_err(failure)?;
    check(request, now)
}

/// Returns the target text of a symbolic link, and the link's stamp.
pub(crate) fn read_link(request: &Request<'_>) -> Result<(Vec<u8>, FileStamp), Outcome> {
    let place = Place::find(request.path).map_err(failure)?;
    let before = check(request, place.stamp().map_err(failure)?)?;
    let target = place.target().map_err(failure)?;
    let after = place.stamp().map_err(failure)?;
    if is_untouched(&before, &after) { Ok((target, after)) } else { Err(Outcome::Changed { now: after }) }
}

/// A regular file, open for reading.
pub(crate) struct File {
    fd: OwnedFd,
    stamp: FileStamp,
    opened_ns: i64,
}

impl File {
    /// Opens the file if it is the wanted version. Looks before it opens: opening a FIFO or a device is an act.
    pub(crate) fn open(request: &Request<'_>) -> Result<Self, Outcome> {
        let place = Place::find(request.path).map_err(failure)?;
        let seen = check(request, place.stamp().map_err(failure)?)?;
        let opened_ns = now_ns();
        let fd = match place.open() {
            Ok(fd) => fd,
            // It became a symbolic link since we looked.
            Err(Errno::LOOP) => {
                return Err(Outcome::Changed { now: place.stamp().map_err(failure)? });
            }
            Err(errno) => return Err(failure(errno)),
        };
        let stamp = fstat(&fd).map(|stat| stamp_of(&stat)).map_err(failure)?;
        if !is_untouched(&seen, &stamp) {
            return Err(Outcome::Changed { now: stamp });
        }
        Ok(Self { fd, stamp, opened_ns })
    }

    /// The version, as it was when it was opened.
    pub(crate) fn stamp(&self) -> &FileStamp {
        &self.stamp
    }

    /// When it was opened, nanoseconds since 1970.
    pub(crate) fn opened_ns(&self) -> i64 {
        self.opened_ns
    }

    /// Fills the buffer from `offset`, and returns how many bytes there were.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let count = retry_on_intr(|| pread(&self.fd, &mut buffer[filled..], offset + filled as u64))?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    /// Returns the stamp at the end of reading, if nothing touched the file meanwhile.
    pub(crate) fn finish(&self) -> Result<FileStamp, Outcome> {
        let now = fstat(&self.fd).map(|stat| stamp_of(&stat)).map_err(failure)?;
        if is_untouched(&self.stamp, &now) { Ok(now) } else { Err(Outcome::Changed { now }) }
    }

    /// Returns the outcome for a file that did not have the length that its stamp says.
    pub(crate) fn changed(&self) -> Outcome {
        match fstat(&self.fd) {
            Ok(stat) => Outcome::Changed { now: stamp_of(&stat) },
            Err(errno) => failure(errno),
        }
    }
}
