//! What descriptors and paths mean to a stopped thread, asked of the kernel through its directory in /proc.
//!
//! The thread stands still while it is asked about, so what is found is what its call will find. Nothing is computed
//! from path strings that the kernel would resolve: a directory is opened as the thread would open it, and the kernel
//! is asked what the opened directory is called.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustc_hash::FxHashMap;
use tracer_host::file_systems::{PROC, is_view};
use tracer_schema::FileStamp;

use crate::long_path;
use crate::sys::{
    RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, Tid, file_system_type, open_at, open_resolving, read_link,
    stat_at, stat_fd,
};
use crate::walk::walk;
use tracer_syscalls::constants::AT_FDCWD;

/// A file, and the path it has now: what an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Located {
    /// Absolute; empty where the file has no name.
    pub(crate) path: Vec<u8>,
    /// The file; absent (`ino == 0`) where the path names none.
    pub(crate) stamp: FileStamp,
}

impl Located {
    /// Returns whether the file is one that the model speaks of, name or no name.
    pub(crate) fn is_subject(&self) -> bool {
        self.stamp.is_regular() || self.stamp.is_symlink()
    }
}

/// Longest link target that is read, bytes: one more than the kernel gives (PATH_MAX), so that a cut would show.
const LINK_BYTES_MAX: usize = 4097;

/// What the kernel adds to the name of a file that has none any more (d_path in fs/d_path.c).
const DELETED: &[u8] = b" (deleted)";

/// Answers for stopped threads.
pub(crate) struct Resolver {
    /// Type of each file system that was met, by device.
    kinds: FxHashMap<u64, i64>,
    dev_dir: u64,
    own_root: RootOf,
    buffer: Box<[u8; LINK_BYTES_MAX]>,
}

/// What decides how paths are resolved: the root directory and the mount namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RootOf {
    root: (u64, u64),
    mounts: u64,
}

fn c_string(text: impl Into<Vec<u8>>) -> io::Result<CString> {
    CString::new(text).map_err(|_nul| io::Error::from_raw_os_error(libc::EINVAL))
}

/// `/proc/TID/…`, made without the cost of general formatting: this is on the path of every stop.
fn proc_path(tid: Tid, rest: &[&[u8]], number: Option<i32>) -> CString {
    let mut path = Vec::with_capacity(40);
    path.extend_from_slice(b"/proc/");
    push_number(&mut path, tid.0);
    for part in rest {
        path.extend_from_slice(part);
    }
    if let Some(number) = number {
        push_number(&mut path, number);
    }
    CString::new(path).expect("no part holds a NUL")
}

fn push_number(out: &mut Vec<u8>, number: i32) {
    let mut digits = [0; 11];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

impl Resolver {
    /// Returns a resolver that has seen nothing.
    pub(crate) fn new() -> Self {
        let mut resolver = Self {
            kinds: FxHashMap::default(),
            dev_dir: stat_at(libc::AT_FDCWD, c"/dev", 0).map_or(0, |dev| dev.dev),
            own_root: RootOf::default(),
            buffer: Box::new([0; LINK_BYTES_MAX]),
        };
        resolver.own_root = resolver.root_of(Tid(std::process::id() as i32));
        resolver
    }

    /// Returns what decides how the thread's paths are resolved.
    pub(crate) fn root_of(&mut self, tid: Tid) -> RootOf {
        let root = stat_at(libc::AT_FDCWD, &proc_path(tid, &[b"/root"], None), 0).unwrap_or_default();
        let mounts = stat_at(libc::AT_FDCWD, &proc_path(tid, &[b"/ns/mnt"], None), 0).unwrap_or_default();
        RootOf { root: (root.dev, root.ino), mounts: mounts.ino }
    }

    /// Returns whether paths mean to the thread what they mean to the tracer.
    pub(crate) fn is_at_home(&mut self, tid: Tid) -> bool {
        self.root_of(tid) == self.own_root
    }

    /// Returns the kernel's name for what a descriptor refers to: a path, or something like `pipe:[7]`.
    ///
    /// # Errors
    /// `ENOENT`: not open. `ENAMETOOLONG`: the path is longer than the kernel can say.
    pub(crate) fn descriptor_target(&mut self, tid: Tid, fd: i32) -> io::Result<&[u8]> {
        read_link(libc::AT_FDCWD, &proc_path(tid, &[b"/fd/"], Some(fd)), &mut *self.buffer)
    }

    /// Returns whether a descriptor is open for reading: its link in /proc says so by its permissions (proc_pid_fd(5)).
    pub(crate) fn is_readable(&self, tid: Tid, fd: i32) -> bool {
        let link = stat_at(libc::AT_FDCWD, &proc_path(tid, &[b"/fd/"], Some(fd)), libc::AT_SYMLINK_NOFOLLOW);
        link.is_ok_and(|link| link.mode & 0o400 != 0)
    }

    /// Returns the file that a descriptor refers to, given the kernel's name for it.
    ///
    /// Returns `None` for what is not a subject of the model: no path, no regular file, a view of the kernel.
    ///
    /// # Errors
    /// The descriptor cannot be looked at.
    pub(crate) fn locate_descriptor(
        &mut self,
        tid: Tid,
        fd: i32,
        target: &[u8],
    ) -> io::Result<Option<Located>> {
        if target.first() != Some(&b'/') {
            return Ok(None);
        }
        let link = proc_path(tid, &[b"/fd/"], Some(fd));
        let stamp = stat_at(libc::AT_FDCWD, &link, 0)?;
        Ok(self.locate(target, stamp, &link))
    }

    /// As [`locate_descriptor`](Self::locate_descriptor), where the kernel cannot say the path for its length.
    ///
    /// # Errors
    /// The path could not be found out.
    pub(crate) fn locate_long(&mut self, tid: Tid, fd: i32) -> io::Result<Option<Located>> {
        let link = proc_path(tid, &[b"/fd/"], Some(fd));
        let stamp = stat_at(libc::AT_FDCWD, &link, 0)?;
        if !stamp.is_regular() {
            return Ok(None);
        }
        let path = long_path::of_file(tid, &stamp)?;
        Ok(self.locate(&path, stamp, &link))
    }

    fn locate(&mut self, target: &[u8], stamp: FileStamp, link: &CStr) -> Option<Located> {
        if !stamp.is_regular() || self.is_pseudo(stamp.dev, target, link) {
            return None;
        }
        let path = live_path(target, &stamp);
        Some(Located { path, stamp })
    }

    /// Returns whether a file is a view of the kernel, or a node of devtmpfs. `/dev/shm` is for files, and need not be
    /// a file system of its own.
    fn is_pseudo(&mut self, dev: u64, path: &[u8], link: &CStr) -> bool {
        let kind = *self.kinds.entry(dev).or_insert_with(|| file_system_type(link).unwrap_or(0));
        is_view(kind, dev == self.dev_dir, path)
    }

    /// Returns the name that a link in /proc gives, for whatever it is (`exe`, `cwd`, `root`, `fd/N`).
    ///
    /// # Errors
    /// Those of readlink(2).
    pub(crate) fn proc_link(&mut self, tid: Tid, name: &str) -> io::Result<Vec<u8>> {
        let path = proc_path(tid, &[b"/", name.as_bytes()], None);
        read_link(libc::AT_FDCWD, &path, &mut *self.buffer).map(<[u8]>::to_vec)
    }

    /// Returns the program that a thread runs.
    ///
    /// # Errors
    /// Those of readlink(2) and stat(2).
    pub(crate) fn locate_program(&mut self, tid: Tid) -> io::Result<Located> {
        let link = proc_path(tid, &[b"/exe"], None);
        let stamp = stat_at(libc::AT_FDCWD, &link, 0)?;
        let target = read_link(libc::AT_FDCWD, &link, &mut *self.buffer)?;
        Ok(Located { path: live_path(target, &stamp), stamp })
    }

    /// Opens what a path argument of the thread names, as the thread would, without any effect on it.
    ///
    /// # Errors
    /// Those of open(2), with their number: the call of the thread will fail as well. An error without a number: what the
    /// path means to the thread cannot be found out.
    pub(crate) fn open_path(
        &mut self,
        tid: Tid,
        is_home: bool,
        dir: i32,
        path: &[u8],
        flags: i32,
    ) -> io::Result<OwnedFd> {
        let flags = flags | libc::O_PATH;
        if is_home && !path.is_empty() {
            let base = if path[0] == b'/' { None } else { Some(base_of(tid, dir)?) };
            let from = base.as_ref().map_or(libc::AT_FDCWD, AsRawFd::as_raw_fd);
            let c_path = c_string(path)?;
            match open_resolving(from, &c_path, flags, RESOLVE_NO_MAGICLINKS) {
                Ok(found) => return Ok(found),
                Err(error) if !may_lead_to_itself(from, &c_path, &error) => return Err(error),
                Err(_) => {}
            }
        }
        let base = base_of(tid, dir)?;
        if path.is_empty() {
            return Ok(base);
        }
        let root =
            open_at(libc::AT_FDCWD, &proc_path(tid, &[b"/root"], None), libc::O_PATH).map_err(unfollowed)?;
        let found = walk(tid, &root, base, path)?;
        if flags & libc::O_DIRECTORY != 0 && !stat_fd(&found)?.is_directory() {
            return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
        }
        Ok(found)
    }

    /// Returns what an open file or directory of ours is called.
    ///
    /// # Errors
    /// The name cannot be found out.
    pub(crate) fn name_of(&mut self, file: &OwnedFd) -> io::Result<Vec<u8>> {
        let link = proc_path(Tid(std::process::id() as i32), &[b"/fd/"], Some(file.as_raw_fd()));
        match read_link(libc::AT_FDCWD, &link, &mut *self.buffer) {
            Ok(name) => Ok(name.to_vec()),
            Err(error) if error.raw_os_error() == Some(libc::ENAMETOOLONG) => long_path::of_directory(file),
            Err(error) => Err(error),
        }
    }

    /// Returns the name that a path argument stands for, its last part not followed if it is a link: what rename, link
    /// and unlink act on. The file may be absent.
    ///
    /// # Errors
    /// The directory cannot be opened: then the call will fail as well.
    pub(crate) fn locate_name(
        &mut self,
        tid: Tid,
        is_home: bool,
        dir: i32,
        path: &[u8],
    ) -> io::Result<Located> {
        let (parent, name) = split_name(path);
        let parent = self.open_path(tid, is_home, dir, parent, libc::O_DIRECTORY)?;
        let stamp = match stat_at(parent.as_raw_fd(), &c_string(name)?, libc::AT_SYMLINK_NOFOLLOW) {
            Ok(stamp) => stamp,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => FileStamp::default(),
            Err(error) => return Err(error),
        };
        let mut whole = self.name_of(&parent)?;
        if whole.last() != Some(&b'/') {
            whole.push(b'/');
        }
        whole.extend_from_slice(name);
        Ok(Located { path: whole, stamp })
    }

    /// Returns the file at an absolute path that was told before, a link not followed; absent where there is none.
    pub(crate) fn stamp_now(&self, path: &[u8]) -> FileStamp {
        let found = c_string(path).and_then(|path| stat_at(libc::AT_FDCWD, &path, libc::AT_SYMLINK_NOFOLLOW));
        found.unwrap_or_default()
    }

    /// Returns the file that a path argument names, links followed.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub(crate) fn locate_file(
        &mut self,
        tid: Tid,
        is_home: bool,
        dir: i32,
        path: &[u8],
    ) -> io::Result<Located> {
        let file = self.open_path(tid, is_home, dir, path, 0)?;
        let stamp = stat_fd(&file)?;
        let name = self.name_of(&file)?;
        Ok(Located { path: live_path(&name, &stamp), stamp })
    }
}

/// Splits a path into the directory and the last name, slashes at its end left out.
fn split_name(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = &path[..end];
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..=slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Returns the path that a file has, given the kernel's name for it: empty if it has none any more.
pub(crate) fn live_path(target: &[u8], stamp: &FileStamp) -> Vec<u8> {
    let Some(stripped) = target.strip_suffix(DELETED) else {
        return target.to_vec();
    };
    // The words may be the end of a real name.
    let is_real = c_string(target)
        .and_then(|path| stat_at(libc::AT_FDCWD, &path, libc::AT_SYMLINK_NOFOLLOW))
        .is_ok_and(|found| (found.dev, found.ino) == (stamp.dev, stamp.ino));
    if is_real {
        return target.to_vec();
    }
    // This name was removed. Another name of the file, or a new link at the same place, may be there.
    let is_back = stamp.nlink > 0
        && c_string(stripped)
            .and_then(|path| stat_at(libc::AT_FDCWD, &path, libc::AT_SYMLINK_NOFOLLOW))
            .is_ok_and(|found| (found.dev, found.ino) == (stamp.dev, stamp.ino));
    if is_back { stripped.to_vec() } else { Vec::new() }
}

/// Returns whether a path that could not be opened from here may lead through the links by which a thread names itself:
/// through a link of /proc, or, since the tracer may lack the descriptor that is named, to a place in another file system.
fn may_lead_to_itself(from: RawFd, path: &CStr, error: &io::Error) -> bool {
    // ENOSYS: a kernel before 5.6.
    if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENOSYS)) {
        return true;
    }
    let again = open_resolving(from, path, libc::O_PATH, RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    if again.is_err_and(|error| error.raw_os_error() == Some(libc::EXDEV)) {
        return true;
    }
    let base = proc_path(Tid(std::process::id() as i32), &[b"/fd/"], Some(from));
    from != libc::AT_FDCWD && file_system_type(&base).is_ok_and(|kind| kind == PROC)
}

/// Returns an error without a number for one that says that the thread cannot be looked at.
fn unfollowed(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => io::Error::other("what its path starts from cannot be looked at"),
        _ => error,
    }
}

/// Opens the directory that relative paths start from.
fn base_of(tid: Tid, dir: i32) -> io::Result<OwnedFd> {
    let link = if dir == AT_FDCWD {
        proc_path(tid, &[b"/cwd"], None)
    } else {
        proc_path(tid, &[b"/fd/"], Some(dir))
    };
    open_at(libc::AT_FDCWD as RawFd, &link, libc::O_PATH).map_err(unfollowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_its_last_part() {
        assert_eq!(split_name(b"a"), (&b""[..], &b"a"[..]));
        assert_eq!(split_name(b"d/a"), (&b"d/"[..], &b"a"[..]));
        assert_eq!(split_name(b"/a"), (&b"/"[..], &b"a"[..]));
        assert_eq!(split_name(b"d//a//"), (&b"d//"[..], &b"a"[..]));
    }

    #[test]
    fn a_file_of_our_own_is_found_by_descriptor_and_by_name() {
        let dir = std::env::temp_dir().join(format!("roar-resolve-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let path = dir.join("x (deleted)");
        let file = std::fs::File::create(&path).unwrap();
        let me = Tid(std::process::id() as i32);
        let mut resolver = Resolver::new();
        let target = resolver.descriptor_target(me, file.as_raw_fd()).unwrap().to_vec();
        let found = resolver.locate_descriptor(me, file.as_raw_fd(), &target).unwrap().unwrap();
        assert_eq!(found.path, path.as_os_str().as_encoded_bytes());
        let by_name = resolver.locate_name(me, true, AT_FDCWD, path.as_os_str().as_encoded_bytes()).unwrap();
        assert_eq!(by_name, found);
        std::fs::remove_dir_all(&dir).unwrap();
        let target = resolver.descriptor_target(me, file.as_raw_fd()).unwrap().to_vec();
        let gone = resolver.locate_descriptor(me, file.as_raw_fd(), &target).unwrap().unwrap();
        assert_eq!(gone.path, b"");
    }
}
