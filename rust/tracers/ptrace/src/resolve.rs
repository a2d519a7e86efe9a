//! What descriptors and paths mean to a stopped thread, asked of the kernel through its directory in /proc.
//!
//! The thread stands still while it is asked about, so what is found is what its call will find. Nothing is computed
//! from path strings that the kernel would resolve: a directory is opened as the thread would open it, and the kernel
//! is asked what the opened directory is called.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustc_hash::FxHashMap;
use tracer_schema::FileStamp;

use crate::long_path;
use crate::sys::{
    RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, Tid, file_system_type, open_at, open_resolving,
    read_link, stat_at, stat_fd,
};
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

/// File systems whose regular files are views of the kernel and no data (include/uapi/linux/magic.h).
const PSEUDO_FILE_SYSTEMS: &[i64] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x7472_6163, // tracefs
    0x6462_6720, // debugfs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0x6265_6570, // configfs
    0xde5e_81e4, // efivarfs
    0x6165_676c, // pstore
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
    0xf97c_ff8c, // selinuxfs
    0x4249_4e4d, // binfmt_misc
    0x6573_5543, // fusectl
];

/// tmpfs, and devtmpfs, which cannot be told apart by type.
const TMPFS: i64 = 0x0102_1994;

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
        if kind == TMPFS {
            return dev == self.dev_dir && path.starts_with(b"/dev/") && !path.starts_with(b"/dev/shm/");
        }
        PSEUDO_FILE_SYSTEMS.contains(&kind)
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
        if let Some(own) = own_proc(tid, path) {
            // A link of the thread's own leads to the same file from everywhere.
            return open_at(libc::AT_FDCWD, &c_string(own)?, flags);
        }
        if !is_home {
            return self.open_abroad(tid, dir, path, flags);
        }
        if path.first() == Some(&b'/') {
            return open_plainly(libc::AT_FDCWD, path, flags);
        }
        let base = base_of(tid, dir)?;
        if path.is_empty() { Ok(base) } else { open_plainly(base.as_raw_fd(), path, flags) }
    }

    /// As [`open_path`](Self::open_path), for a thread with a root or mounts of its own: links to absolute paths and `..`
    /// must not lead out of its root.
    fn open_abroad(&mut self, tid: Tid, dir: i32, path: &[u8], flags: i32) -> io::Result<OwnedFd> {
        let root = open_at(libc::AT_FDCWD, &proc_path(tid, &[b"/root"], None), libc::O_PATH)?;
        if path.first() == Some(&b'/') {
            return open_within(root.as_raw_fd(), path, flags, Within::Root).map_err(unmapped_link);
        }
        let base = base_of(tid, dir)?;
        if path.is_empty() {
            return Ok(base);
        }
        match open_within(base.as_raw_fd(), path, flags, Within::Below) {
            Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {}
            opened => return opened,
        }
        // It leads out of the directory: from the root it is the same path, if the directory is still reached that way.
        let at = self.name_of(&base)?;
        let root_name = self.name_of(&root)?;
        let inside = if root_name == b"/" {
            Some(&at[..])
        } else {
            at.strip_prefix(&root_name[..]).filter(|rest| rest.is_empty() || rest[0] == b'/')
        };
        let again = inside.and_then(|inside| {
            let found = open_within(root.as_raw_fd(), inside, libc::O_PATH, Within::Root).ok()?;
            (stat_fd(&found).ok()? == stat_fd(&base).ok()?).then(|| [inside, b"/", path].concat())
        });
        match again {
            Some(whole) => open_within(root.as_raw_fd(), &whole, flags, Within::Root).map_err(unmapped_link),
            // The directory is outside of the root, a classic way out of a chroot, or covered by a mount: `..` works there.
            None => open_at(base.as_raw_fd(), &c_string(path)?, flags),
        }
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

/// Where a path must stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// As if the directory were the root.
    Root,
    /// Below the directory, else `EXDEV`.
    Below,
}

fn open_within(dir: RawFd, path: &[u8], flags: i32, within: Within) -> io::Result<OwnedFd> {
    let resolve = match within {
        Within::Root => RESOLVE_IN_ROOT,
        Within::Below => RESOLVE_BENEATH,
    };
    let path = if path.is_empty() { b"/" } else { path };
    open_resolving(dir, &c_string(path)?, flags, resolve)
}

/// An error without a number, which says that the path cannot be followed from here.
fn unfollowed(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}

/// A link of /proc within another root is refused (openat2(2)); what it would lead to is not known.
fn unmapped_link(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EXDEV | libc::ELOOP) => unfollowed("its path leads through a link of /proc"),
        _ => error,
    }
}

/// Opens a path that means the same to the thread, unless it leads through a link of /proc: that may be one by which a
/// thread names itself (`/proc/self`), and would lead to the tracer.
fn open_plainly(dir: RawFd, path: &[u8], flags: i32) -> io::Result<OwnedFd> {
    let c_path = c_string(path)?;
    match open_resolving(dir, &c_path, flags, RESOLVE_NO_MAGICLINKS) {
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            let names_process =
                path.strip_prefix(b"/proc/").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit);
            match open_at(dir, &c_path, flags) {
                Ok(_) if !names_process => Err(unfollowed("its path leads through a link of /proc")),
                opened => opened,
            }
        }
        // A kernel before 5.6.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => open_at(dir, &c_path, flags),
        opened => opened,
    }
}

/// Opens the directory that relative paths start from.
fn base_of(tid: Tid, dir: i32) -> io::Result<OwnedFd> {
    let link = if dir == AT_FDCWD {
        proc_path(tid, &[b"/cwd"], None)
    } else {
        proc_path(tid, &[b"/fd/"], Some(dir))
    };
    open_at(libc::AT_FDCWD as RawFd, &link, libc::O_PATH).map_err(|error| match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => {
            unfollowed("the directory that its path starts from cannot be looked at")
        }
        _ => error,
    })
}

/// Rewrites the names by which a thread reaches its own directory in /proc: to the tracer they mean the tracer. Returns
/// `None` for any other path.
fn own_proc(tid: Tid, path: &[u8]) -> Option<Vec<u8>> {
    const OWN: [(&[u8], &[u8]); 6] = [
        (b"/proc/self/", b"/"),
        (b"/proc/thread-self/", b"/"),
        (b"/dev/fd/", b"/fd/"),
        (b"/dev/stdin", b"/fd/0"),
        (b"/dev/stdout", b"/fd/1"),
        (b"/dev/stderr", b"/fd/2"),
    ];
    if !path.starts_with(b"/") {
        return None;
    }
    let path = without_empty_parts(path);
    OWN.iter().find_map(|(prefix, part)| {
        let rest = path.strip_prefix(*prefix)?;
        let mut rewritten = proc_path(tid, &[part], None).into_bytes();
        rewritten.extend_from_slice(rest);
        Some(rewritten)
    })
}

/// Returns an absolute path without `//` and `/./`, which mean nothing.
fn without_empty_parts(path: &[u8]) -> Vec<u8> {
    let mut short = Vec::with_capacity(path.len());
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        if (part.is_empty() || part == b".") && !is_last {
            continue;
        }
        short.push(b'/');
        short.extend_from_slice(part);
    }
    short
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
    fn own_names_in_proc_are_those_of_the_thread() {
        let own = |path: &[u8]| own_proc(Tid(7), path).map(|path| String::from_utf8(path).unwrap());
        for path in [&b"/proc/self/fd/3"[..], b"/dev/fd/3", b"//proc/./self//fd/3"] {
            assert_eq!(own(path).as_deref(), Some("/proc/7/fd/3"));
        }
        assert_eq!(own(b"/dev/stdin").as_deref(), Some("/proc/7/fd/0"));
        assert_eq!(own(b"/proc/selfish"), None);
        assert_eq!(own(b"proc/self/fd/3"), None);
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
