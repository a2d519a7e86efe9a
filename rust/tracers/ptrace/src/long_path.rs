//! Paths longer than the kernel can say (PATH_MAX): found by walking up, as getcwd(3) did before there was a call for it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};

use tracer_schema::FileStamp;

use crate::sys::{Tid, open_at, stat_at, stat_fd};

/// Directories walked up before giving up: a path of this depth has at least twice as many bytes.
const DEPTH_MAX: usize = 65_536;

fn unresolved() -> io::Error {
    io::Error::from_raw_os_error(libc::ENAMETOOLONG)
}

/// Returns the name that a file has in an open directory.
fn name_in(directory: &OwnedFd, stamp: &FileStamp) -> io::Result<Vec<u8>> {
    for entry in fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd()))? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.ino() == stamp.ino || entry.file_type()?.is_dir() {
            let c_name = CString::new(name.as_bytes()).map_err(|_nul| unresolved())?;
            match stat_at(directory.as_raw_fd(), &c_name, libc::AT_SYMLINK_NOFOLLOW) {
                Ok(found) if (found.dev, found.ino) == (stamp.dev, stamp.ino) => {
                    return Ok(name.as_bytes().to_vec());
                }
                // Removed since it was listed: not the one that is looked for.
                Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Err(unresolved())
}

/// Returns the absolute path of an open directory.
///
/// # Errors
/// A directory on the way up cannot be read.
pub(crate) fn of_directory(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut here = open_at(directory.as_raw_fd(), c".", libc::O_PATH)?;
    let mut stamp = stat_fd(&here)?;
    for _ in 0..DEPTH_MAX {
        let parent = open_at(here.as_raw_fd(), c"..", libc::O_RDONLY | libc::O_DIRECTORY)?;
        let above = stat_fd(&parent)?;
        if (above.dev, above.ino) == (stamp.dev, stamp.ino) {
            let mut path = Vec::new();
            for name in names.iter().rev() {
                path.push(b'/');
                path.extend_from_slice(name);
            }
            return Ok(if path.is_empty() { b"/".to_vec() } else { path });
        }
        let name = name_in(&parent, &stamp)?;
        names.push(name);
        here = parent;
        stamp = above;
    }
    Err(unresolved())
}

/// Returns the path of a file that a thread has open: in its working directory, or in a directory it has open.
///
/// A path this long can only have been used in steps, and the last of them is usually still there.
///
/// # Errors
/// It is in none of them.
pub(crate) fn of_file(tid: Tid, stamp: &FileStamp) -> io::Result<Vec<u8>> {
    let mut places = vec![format!("/proc/{}/cwd", tid.0)];
    for entry in fs::read_dir(format!("/proc/{}/fd", tid.0))? {
        let path = entry?.path();
        if fs::metadata(&path).is_ok_and(|found| found.is_dir() && found.dev() == stamp.dev) {
            places.push(path.to_string_lossy().into_owned());
        }
    }
    for place in places {
        let place = CString::new(place).map_err(|_nul| unresolved())?;
        let Ok(directory) = open_at(libc::AT_FDCWD, &place, libc::O_RDONLY | libc::O_DIRECTORY) else {
            continue;
        };
        if let Ok(name) = name_in(&directory, stamp) {
            let mut path = of_directory(&directory)?;
            path.push(b'/');
            path.extend_from_slice(&name);
            return Ok(path);
        }
    }
    Err(unresolved())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::name_in;
    use crate::sys::stat_fd;

    #[test]
    fn a_name_is_found_while_others_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let sought = directory.path().join("sought");
        fs::create_dir(&sought).unwrap();
        let stamp = stat_fd(&File::open(&sought).unwrap().into()).unwrap();
        assert_eq!(stamp.ino, fs::metadata(&sought).unwrap().ino());
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for other in 0..20 {
                        fs::create_dir(directory.path().join(format!("other{other}"))).unwrap();
                    }
                    for other in 0..20 {
                        fs::remove_dir(directory.path().join(format!("other{other}"))).unwrap();
                    }
                }
            });
            let found: Vec<_> = (0..2000)
                .map(|_| name_in(&File::open(directory.path()).unwrap().into(), &stamp))
                .filter(|found| found.as_ref().ok().map(Vec::as_slice) != Some(b"sought"))
                .collect();
            is_over.store(true, Ordering::Relaxed);
            assert!(found.is_empty(), "{found:?}");
        });
    }
}
