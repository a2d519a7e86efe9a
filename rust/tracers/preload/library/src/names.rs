//! What files are called: absolute paths as the kernel would say them.
//!
//! Where the kernel has followed a path without meeting a symbolic link (openat2(2) with RESOLVE_NO_SYMLINKS), the directory it
//! started from and the words of the path are its whole name, `..` included. Everywhere else the kernel is asked what
//! it has opened.

use core::slice;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Kind, State};

use crate::journal::{self, Draft};
use crate::{descriptors, process, sys};

/// Longest path that the kernel takes or gives, with its NUL.
pub(crate) const PATH_MAX: usize = 4096;

/// Longest path that is told: what an entry can hold beside another.
const TEXT_MAX: usize = u16::MAX as usize;

/// What the kernel adds to the name of a file that has none any more (d_path in fs/d_path.c).
const DELETED: &[u8] = b" (deleted)";

/// The entry that has the path of the working directory, 0 if none has.
static DIRECTORY: AtomicU64 = AtomicU64::new(0);

/// How many names had been taken away when that was so.
static DIRECTORY_AS_OF: AtomicU32 = AtomicU32::new(0);

/// Raised by every change of directory: a path that starts from it means something else.
static DIRECTORY_CHANGES: AtomicU32 = AtomicU32::new(0);

/// Not 0: threads have working directories of their own.
static IS_DIRECTORY_SPLIT: AtomicU32 = AtomicU32::new(0);

/// The entry that has the path of the process's root directory; 0: it is the run's.
static ROOT: AtomicU64 = AtomicU64::new(0);

/// Text that is being written into a draft.
#[derive(Debug)]
pub(crate) struct Text {
    start: *mut u8,
    room: usize,
    /// Bytes so far.
    pub(crate) len: usize,
}

impl Text {
    /// Returns a text that begins `offset` bytes into the texts of a draft.
    pub(crate) fn new(draft: &Draft, offset: usize) -> Self {
        let room = draft.room().saturating_sub(offset).min(TEXT_MAX);
        // SAFETY: within the draft, or at its end with no room.
        let start = unsafe { draft.texts().add(offset.min(draft.room())) };
        Self { start, room, len: 0 }
    }

    /// Returns what is written.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes of the draft were written.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }

    /// Returns the address behind what is written, and how much room there is.
    fn rest(&mut self) -> (*mut u8, usize) {
        // SAFETY: `len` is at most `room`.
        (unsafe { self.start.add(self.len) }, self.room - self.len)
    }

    /// Adds bytes, as many as there is room for.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let (at, room) = self.rest();
        let count = bytes.len().min(room);
        // SAFETY: `count` bytes fit; the draft is no place that a caller's bytes could be in.
        unsafe { core::ptr::copy(bytes.as_ptr(), at, count) };
        self.len += count;
    }

    /// Adds a number that is not negative.
    pub(crate) fn push_number(&mut self, number: i32) {
        let link = Link::new(number);
        let digits = link.0.get(LINK_START.len()..).unwrap_or(b"");
        let len = digits.iter().position(|byte| *byte == 0).unwrap_or(0);
        self.push(digits.get(..len).unwrap_or(b""));
    }

    /// Adds what a link of /proc says, with the root directory before it.
    pub(crate) fn take_link(&mut self, link: *const u8) {
        add_root(self);
        let (at, room) = self.rest();
        let got = sys::read_link(link, at, room.min(PATH_MAX));
        self.len += usize::try_from(got).unwrap_or(0);
    }

    fn cut(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Adds the words of a path that leads through no symbolic link.
    pub(crate) fn walk(&mut self, path: &[u8]) {
        for word in path.split(|byte| *byte == b'/') {
            match word {
                b"" | b"." => {}
                b".." => {
                    let slash = self.bytes().iter().rposition(|byte| *byte == b'/');
                    self.cut(slash.unwrap_or(0));
                }
                word => {
                    self.push(b"/");
                    self.push(word);
                }
            }
        }
    }

    /// Makes a path of what was walked: the root is a slash, every other has none at its end.
    fn complete(&mut self) {
        if self.len == 0 {
            self.push(b"/");
        }
    }
}

/// A string of the program's, which the kernel has just taken as a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathArgument {
    /// Where it is.
    pub(crate) pointer: *const u8,
}

impl PathArgument {
    /// Returns whether it is the empty path. The kernel has been asked about it, and said nothing of a bad address.
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: see above.
        !self.pointer.is_null() && unsafe { self.pointer.read_volatile() } == 0
    }

    /// Returns its bytes, without the NUL.
    pub(crate) fn bytes(&self) -> &'static [u8] {
        let mut len = 0;
        // SAFETY: the kernel has read it to its end. The program may change it meanwhile, as it may under the kernel.
        while len < PATH_MAX && unsafe { self.pointer.wrapping_add(len).read_volatile() } != 0 {
            len += 1;
        }
        // SAFETY: as above; whoever has it does not keep it beyond the call.
        unsafe { slice::from_raw_parts(self.pointer, len) }
    }
}

/// Splits a path into the directory and the last word, slashes at its end left out.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = path.get(..end).unwrap_or(path);
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (path.get(..=slash).unwrap_or(b""), path.get(slash + 1..).unwrap_or(b"")),
        None => (b"", path),
    }
}

/// The working directory is another one from now on.
pub(crate) fn directory_changed() {
    DIRECTORY_CHANGES.fetch_add(1, Ordering::Relaxed);
    DIRECTORY.store(0, Ordering::Relaxed);
}

/// Threads may have working directories of their own from now on.
pub(crate) fn split_directories() {
    IS_DIRECTORY_SPLIT.store(1, Ordering::Relaxed);
    directory_changed();
}

/// Returns a number that is another one whenever relative paths may mean something else.
pub(crate) fn directory_generation() -> u32 {
    DIRECTORY_CHANGES.load(Ordering::Relaxed)
}

/// Returns whether relative paths mean the same to all threads.
pub(crate) fn is_directory_shared() -> bool {
    IS_DIRECTORY_SPLIT.load(Ordering::Relaxed) == 0
}

/// Returns the position of the entry that has the process's root directory, 0 if it is the run's.
pub(crate) fn root() -> u64 {
    ROOT.load(Ordering::Relaxed)
}

/// The root directory is now the one whose path that entry has.
pub(crate) fn set_root(position: u64) {
    ROOT.store(position, Ordering::Relaxed);
    directory_changed();
}

/// Adds what every path of the process begins with, seen from the run.
fn add_root(out: &mut Text) {
    if let Some(root) = journal::text_at(root()).filter(|root| *root != b"/") {
        out.push(root);
    }
}

/// Writes the path of the working directory.
fn write_directory(out: &mut Text) -> Result<(), isize> {
    let position = DIRECTORY.load(Ordering::Relaxed);
    let is_borrowed = process::is_borrowed();
    let is_known =
        position != 0 && !is_borrowed && DIRECTORY_AS_OF.load(Ordering::Relaxed) == journal::names() as u32;
    if let Some(known) = journal::text_at(position).filter(|_| is_known) {
        out.push(if known == b"/" { b"" } else { known });
        return Ok(());
    }
    let names = journal::names() as u32;
    let changes = directory_generation();
    let mut draft = Draft::new(Kind::Path, PATH_MAX + TEXT_MAX / 16).ok_or(sys::errno::ENOSYS)?;
    let told = tell_directory(&mut draft);
    draft.seal(if told.is_ok() { State::Done } else { State::Void });
    told?;
    let text = journal::text_at(draft.position).unwrap_or(b"");
    out.push(if text == b"/" { b"" } else { text });
    if is_directory_shared() && !is_borrowed && changes == directory_generation() {
        DIRECTORY_AS_OF.store(names, Ordering::Relaxed);
        DIRECTORY.store(draft.position, Ordering::Relaxed);
    }
    Ok(())
}

/// Takes note that an entry, now sealed, has the path of the working directory.
pub(crate) fn know_directory(draft: &Draft) {
    DIRECTORY_AS_OF.store(journal::names() as u32, Ordering::Relaxed);
    DIRECTORY.store(draft.position, Ordering::Relaxed);
}

/// Finds out the path of the working directory, for when it cannot be asked any more.
pub(crate) fn keep_directory() {
    if let Some(mut draft) = Draft::new(Kind::Path, 2 * PATH_MAX) {
        let mut text = Text::new(&draft, 0);
        // What cannot be had is asked for again, and told then.
        let _unknown = write_directory(&mut text);
        draft.seal(State::Void);
    }
}

/// Writes the path of the working directory as the whole text of a draft.
pub(crate) fn tell_directory(draft: &mut Draft) -> Result<(), isize> {
    let mut text = Text::new(draft, 0);
    add_root(&mut text);
    let (at, room) = text.rest();
    let got = sys::working_directory(at, room);
    // A directory outside the root is given as "(unreachable)…" (getcwd(2)).
    // SAFETY: one byte of the draft, which has room for a path.
    if got <= 1 || unsafe { at.read() } != b'/' {
        return Err(if got < 0 { got } else { sys::errno::ENOENT });
    }
    let is_root = got == 2;
    if !is_root || text.len == 0 {
        text.len += got as usize - 1;
    }
    draft.set_texts(text.len, 0);
    Ok(())
}

/// Writes the path of what a directory descriptor or AT_FDCWD stands for; nothing for the root.
fn write_base(dir: i32, out: &mut Text) -> Result<(), isize> {
    if dir == sys::AT_FDCWD {
        return write_directory(out);
    }
    if let Some(known) = descriptors::path_position(dir).and_then(journal::text_at) {
        out.push(if known == b"/" { b"" } else { known });
        return Ok(());
    }
    ask_name(dir, out)?;
    if out.bytes() == b"/" {
        out.cut(0);
    }
    Ok(())
}

/// Writes the path of a file that was opened by `path` without meeting a symbolic link.
pub(crate) fn write_straight(dir: i32, path: &[u8], out: &mut Text) -> Result<(), isize> {
    if path.first() == Some(&b'/') {
        add_root(out);
    } else {
        write_base(dir, out)?;
    }
    out.walk(path);
    out.complete();
    Ok(())
}

/// How links of descriptors begin.
const LINK_START: &[u8] = b"/proc/thread-self/fd/";

/// `/proc/thread-self/fd/N`, NUL-terminated: what the thread has open, whoever leads the process.
pub(crate) struct Link([u8; 40]);

impl Link {
    /// Returns the link of a descriptor.
    pub(crate) fn new(fd: i32) -> Self {
        let mut link = [0; 40];
        let mut at = LINK_START.len();
        for (to, from) in link.iter_mut().zip(LINK_START) {
            *to = *from;
        }
        let mut scale = 1_000_000_000;
        let number = fd.unsigned_abs();
        while scale > 1 && number / scale == 0 {
            scale /= 10;
        }
        while scale > 0 {
            if let Some(digit) = link.get_mut(at) {
                *digit = b'0' + (number / scale % 10) as u8;
            }
            at += 1;
            scale /= 10;
        }
        Self(link)
    }

    /// Returns where it is.
    pub(crate) fn pointer(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

/// Writes what the kernel calls an open file: a path, or something like `pipe:[7]`.
fn ask_name(fd: i32, out: &mut Text) -> Result<(), isize> {
    let before = out.len;
    add_root(out);
    let link = Link::new(fd);
    let (at, room) = out.rest();
    let got = sys::read_link(link.pointer(), at, room.min(PATH_MAX + 1));
    if got < 0 {
        out.cut(before);
        return Err(got);
    }
    // SAFETY: the kernel wrote at least one byte.
    if got > 0 && unsafe { at.read() } != b'/' {
        out.cut(before);
    }
    out.len += got as usize;
    Ok(())
}

/// Whether a file has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// It was written.
    Written,
    /// It has none, or none any more.
    Nameless,
}

/// Writes what an open file is called now.
pub(crate) fn write_open(fd: i32, stamp: &Stamp, out: &mut Text) -> Result<Name, isize> {
    ask_name(fd, out)?;
    let Some(stripped) = out.bytes().strip_suffix(DELETED).map(<[u8]>::len) else {
        return Ok(Name::Written);
    };
    let is_it = |path: *const u8| {
        sys::lstat_at(sys::AT_FDCWD, path).is_ok_and(|found| (found.dev, found.ino) == (stamp.dev, stamp.ino))
    };
    // Whether the words are the end of a real name, or the file is there again, is asked by path: only where the run's
    // root is the process's own do these paths mean the same.
    if root() == 0 {
        out.push(b"\0");
        let whole = out.start;
        out.len -= 1;
        if is_it(whole) {
            return Ok(Name::Written);
        }
        out.cut(stripped);
        out.push(b"\0");
        out.len -= 1;
        if stamp.nlink > 0 && is_it(whole) {
            return Ok(Name::Written);
        }
    }
    out.cut(0);
    Ok(Name::Nameless)
}

/// Writes the name that a path stands for, its last word not followed: what rename, link and unlink act on.
pub(crate) fn write_name(dir: i32, path: &[u8], out: &mut Text) -> Result<(), isize> {
    let (parent, last) = split(path);
    if last == b"." || last == b".." || last.is_empty() {
        return Err(sys::errno::EINVAL);
    }
    write_parent(dir, parent, out)?;
    out.push(b"/");
    out.push(last);
    Ok(())
}

/// Writes the path of the directory that `parent` names, nothing for the root.
fn write_parent(dir: i32, parent: &[u8], out: &mut Text) -> Result<(), isize> {
    if parent.is_empty() {
        return write_base(dir, out);
    }
    if parent.iter().all(|byte| *byte == b'/') {
        add_root(out);
        return Ok(());
    }
    // The directory alone, NUL-terminated, where the text will stand.
    let start = out.len;
    out.push(parent);
    out.push(b"\0");
    // SAFETY: within what was just written.
    let pointer = unsafe { out.start.add(start).cast_const() };
    let flags = sys::O_PATH | sys::O_DIRECTORY | sys::O_CLOEXEC;
    let straight = sys::open_straight(dir, pointer, flags, 0);
    let opened = if straight < 0 { sys::open_at(dir, pointer, flags) } else { straight };
    out.cut(start);
    if opened < 0 {
        return Err(opened);
    }
    let fd = opened as i32;
    let written = if straight >= 0 {
        if parent.first() == Some(&b'/') {
            add_root(out)
        } else {
            write_base(dir, out)?
        }
        out.walk(parent);
        Ok(())
    } else {
        let asked = ask_name(fd, out);
        if out.bytes() == b"/" {
            out.cut(0);
        }
        asked
    };
    sys::close(fd);
    written
}
