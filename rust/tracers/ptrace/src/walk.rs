//! Resolves a path as a thread would, name by name: for threads with a root or mounts of their own, and for paths through
//! the links by which a thread reaches itself in /proc, which to the tracer would mean the tracer.
//!
//! See path_resolution(7). Each step is one open of one name, so that mounts are crossed and covered as for the thread.

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::sys::{Tid, file_system_type, open_at, read_link, stat_fd};
use tracer_host::file_systems::PROC;

/// Symbolic links that the kernel follows in one path (MAXSYMLINKS).
const LINKS_MAX: usize = 40;

/// Inode of the root of procfs (PROC_ROOT_INO in include/linux/proc_fs.h).
const PROC_ROOT_INODE: u64 = 1;

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_nul| io::Error::from_raw_os_error(libc::EINVAL))
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

/// Opens what `path` names to the thread `tid`, whose root is `root` and which starts at `base`, every link followed.
///
/// # Errors
/// Those of open(2), as the thread would get them.
pub(crate) fn walk(tid: Tid, root: &OwnedFd, base: OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    let root_stamp = stat_fd(root)?;
    let mut here = if path.first() == Some(&b'/') { root.try_clone()? } else { base };
    let mut rest: VecDeque<Vec<u8>> = parts(path).collect();
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == b".." {
            let stamp = stat_fd(&here)?;
            if (stamp.dev, stamp.ino) != (root_stamp.dev, root_stamp.ino) {
                here = open_at(here.as_raw_fd(), c"..", libc::O_PATH)?;
            }
            continue;
        }
        if let Some(next) = step_in_proc(tid, &here, &name)? {
            here = next;
            continue;
        }
        let next = open_at(here.as_raw_fd(), &c_string(&name)?, libc::O_PATH | libc::O_NOFOLLOW)?;
        if !stat_fd(&next)?.is_symlink() {
            here = next;
            continue;
        }
        links += 1;
        if links > LINKS_MAX {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        let mut buffer = [0; 4097];
        let target = read_link(next.as_raw_fd(), c"", &mut buffer)?;
        if target.first() == Some(&b'/') {
            here = root.try_clone()?;
        }
        for part in parts(target).rev() {
            rest.push_front(part);
        }
    }
    Ok(here)
}

/// Takes a step below procfs: to the thread's own directory for `self`, and through links that are no paths. Returns
/// `None` elsewhere.
fn step_in_proc(tid: Tid, here: &OwnedFd, name: &[u8]) -> io::Result<Option<OwnedFd>> {
    let of_fd = c_string(format!("/proc/self/fd/{}", here.as_raw_fd()).as_bytes())?;
    if file_system_type(&of_fd)? != PROC {
        return Ok(None);
    }
    let names_itself = name == b"self" || name == b"thread-self";
    if names_itself && stat_fd(here)?.ino == PROC_ROOT_INODE {
        // By the tracer's own /proc: that of another PID namespace does not know the thread by this number.
        let own = c_string(format!("/proc/{}", tid.0).as_bytes())?;
        return open_at(libc::AT_FDCWD, &own, libc::O_PATH).map(Some);
    }
    open_at(here.as_raw_fd(), &c_string(name)?, libc::O_PATH).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn walk_here(path: &str) -> io::Result<std::path::PathBuf> {
        let me = Tid(std::process::id() as i32);
        let root = open_at(libc::AT_FDCWD, c"/", libc::O_PATH)?;
        let base = open_at(libc::AT_FDCWD, c".", libc::O_PATH)?;
        let found = walk(me, &root, base, path.as_bytes())?;
        std::fs::read_link(format!("/proc/self/fd/{}", found.as_fd().as_raw_fd()))
    }

    #[test]
    fn a_path_leads_where_the_kernel_leads() {
        for path in
            ["/usr/../usr/./bin", "/../..//usr/bin", "/proc/self/root/usr/bin", "/proc/self/cwd/../.."]
        {
            assert_eq!(walk_here(path).unwrap(), std::fs::canonicalize(path).unwrap(), "{path}");
        }
    }

    #[test]
    fn errors_are_those_of_the_kernel() {
        let errno = |path| walk_here(path).unwrap_err().raw_os_error();
        assert_eq!(errno("/no/such"), Some(libc::ENOENT));
        assert_eq!(errno("/etc/passwd/x"), Some(libc::ENOTDIR));
    }
}
