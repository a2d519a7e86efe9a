//! What files are called: absolute paths as the kernel would say them.
//!
//! Where the kernel has followed a path without meeting a symbolic link (openat2(2) with RESOLVE_NO_SYMLINKS), the directory it
//! started from and the words of the path are its whole name, `..` included. Everywhere else the kernel is asked what
//! it has opened.

use core::slice;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Flags, Kind, State};

use crate::decimal::Decimal;
use crate::gaps::{self, Gap};
use crate::journal::{self, Draft};
use crate::{descriptors, gate, process, sys};

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

/// The root directory of one thread, where threads have their own.
struct Root {
    thread: AtomicUsize,
    position: AtomicU64,
}

/// Threads with a root directory of their own are rare; more than this are a gap.
const ROOTS_MAX: usize = 16;

static ROOTS: [Root; ROOTS_MAX] =
    [const { Root { thread: AtomicUsize::new(0), position: AtomicU64::new(0) } }; ROOTS_MAX];

/// Text that is being written into a draft.
#[derive(Debug)]
pub(crate) struct Text {
    start: *mut u8,
    room: usize,
    /// Bytes so far.
    pub(crate) len: usize,
    /// Something did not fit.
    is_cut: bool,
}

/// Stands for an error number where there was no room for a text.
const CUT: isize = isize::MIN;

/// Room for texts that is made: nearly always the first is enough, and what is not needed of it can be given back only if nobody came
/// after. The second is enough for two paths, each with what writing it takes.
const ROOMS: [usize; 2] = [512, 4 * PATH_MAX + TEXT_MAX / 8];

/// Begins an entry whose texts `write` writes and sets. It is not sealed.
///
/// # Errors
/// That of `write`; then the entry is void.
pub(crate) fn draft(
    kind: Kind,
    mut write: impl FnMut(&mut Draft) -> Result<(), isize>,
) -> Result<Draft, isize> {
    let mut error = sys::errno::ENOSYS;
    for room in ROOMS {
        let mut draft = Draft::new(kind, room).ok_or(NO_ROOM)?;
        match write(&mut draft) {
            Ok(()) => return Ok(draft),
            Err(failed) => error = failed,
        }
        draft.set_texts(0, 0);
        draft.seal(State::Void);
        if error != CUT {
            break;
        }
    }
    Err(if error == CUT { sys::errno::ENAMETOOLONG } else { error })
}

/// ENOSPC: there is no journal, or no room in it, which was counted.
pub(crate) const NO_ROOM: isize = -28;

impl Text {
    /// Returns a text that begins `offset` bytes into the texts of a draft.
    pub(crate) fn new(draft: &Draft, offset: usize) -> Self {
        let room = draft.room().saturating_sub(offset).min(TEXT_MAX);
        // SAFETY: within the draft, or at its end with no room.
        let start = unsafe { draft.texts().add(offset.min(draft.room())) };
        Self { start, room, len: 0, is_cut: false }
    }

    /// Returns the length of the text, if all of it found room.
    ///
    /// # Errors
    /// [`CUT`].
    pub(crate) fn whole(&self) -> Result<usize, isize> {
        if self.is_cut { Err(CUT) } else { Ok(self.len) }
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
        self.is_cut |= count < bytes.len();
        // SAFETY: `count` bytes fit; the draft is no place that a caller's bytes could be in.
        unsafe { core::ptr::copy(bytes.as_ptr(), at, count) };
        self.len += count;
    }

    /// Puts bytes between the text and the `len` bytes that stand behind it.
    fn insert(&mut self, bytes: &[u8], len: usize) {
        let (at, room) = self.rest();
        if bytes.len() + len > room {
            self.is_cut = true;
            return;
        }
        let to = at.wrapping_add(bytes.len());
        // SAFETY: there is room for both.
        unsafe { core::ptr::copy(at, to, len) };
        self.push(bytes);
    }

    /// Takes bytes away from the front.
    fn skip(&mut self, count: usize) {
        let from = self.start.wrapping_add(count);
        self.len = self.len.saturating_sub(count);
        // SAFETY: both are within what was written.
        unsafe { core::ptr::copy(from, self.start, self.len) };
    }

    /// Adds a number that is not negative.
    pub(crate) fn push_number(&mut self, number: i32) {
        self.push(Decimal::new(number.unsigned_abs()).bytes());
    }

    /// Writes the path of the program, with the root directory before it.
    pub(crate) fn push_executable(&mut self, stamp: &Stamp) -> Name {
        add_root(self);
        let (at, room) = self.rest();
        let room = room.min(PATH_MAX);
        let got = usize::try_from(sys::executable(at, room)).unwrap_or(0);
        self.is_cut |= got == room;
        self.len += got;
        if self.is_cut { Name::Written } else { live_name(stamp, self) }
    }

    /// Takes back what is written.
    pub(crate) fn clear(&mut self) {
        self.cut(0);
    }

    fn cut(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Adds the words of a path that leads through no symbolic link.
    pub(crate) fn walk(&mut self, path: &[u8]) {
        // There is no way up from the root directory.
        let root = root_path();
        let floor = if self.bytes().starts_with(root) { root.len() } else { 0 };
        for word in path.split(|byte| *byte == b'/') {
            match word {
                b"" | b"." => {}
                b".." => {
                    let slash = self.bytes().iter().rposition(|byte| *byte == b'/');
                    self.cut(slash.unwrap_or(0).max(floor));
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

/// Returns the position of the entry that has the root directory of the thread, 0 if it is the run's.
pub(crate) fn root() -> u64 {
    if !is_directory_shared() {
        let thread = gate::thread();
        if let Some(own) = ROOTS.iter().find(|own| own.thread.load(Ordering::Relaxed) == thread) {
            return own.position.load(Ordering::Relaxed);
        }
    }
    ROOT.load(Ordering::Relaxed)
}

/// Returns the position of the entry that has the root directory of the process.
pub(crate) fn process_root() -> u64 {
    ROOT.load(Ordering::Relaxed)
}

/// The root directory of the process is what it was: a child that borrowed the memory has had its own.
pub(crate) fn restore_root(position: u64) {
    if ROOT.swap(position, Ordering::Relaxed) != position {
        directory_changed();
    }
}

/// The root directory is now the one whose path that entry has.
pub(crate) fn set_root(position: u64) {
    directory_changed();
    if is_directory_shared() {
        ROOT.store(position, Ordering::Relaxed);
        return;
    }
    let thread = gate::thread();
    let is_ours = |own: &&Root| {
        own.thread.load(Ordering::Relaxed) == thread
            || own.thread.compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    match ROOTS.iter().find(is_ours) {
        Some(own) => own.position.store(position, Ordering::Relaxed),
        None => gaps::tell(Gap::Unresolved, b"too many threads have root directories of their own"),
    }
}

/// Returns the path of the root directory, empty if it is the run's.
fn root_path() -> &'static [u8] {
    journal::text_at(root()).filter(|root| *root != b"/").unwrap_or(b"")
}

/// Adds what every path of the thread begins with, seen from the run.
fn add_root(out: &mut Text) {
    out.push(root_path());
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
    let mut draft = draft(Kind::Path, tell_directory)?;
    draft.seal(State::Done);
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
    // What cannot be had is asked for again, and told then.
    if let Ok(mut draft) = draft(Kind::Path, |draft| write_directory(&mut Text::new(draft, 0))) {
        draft.seal(State::Void);
    }
}

/// Writes the path of the working directory as the whole text of a draft.
pub(crate) fn tell_directory(draft: &mut Draft) -> Result<(), isize> {
    let mut text = Text::new(draft, 0);
    let (at, room) = text.rest();
    let got = match sys::working_directory(at, room) {
        sys::errno::ERANGE => CUT,
        got => got,
    };
    // With the NUL.
    let len = usize::try_from(got).map_err(|_negative| got)?.saturating_sub(1);
    text.len = len;
    // A directory outside the root is given as seen from the run's (getcwd(2)).
    const UNREACHABLE: &[u8] = b"(unreachable)";
    if text.bytes().starts_with(UNREACHABLE) {
        text.skip(UNREACHABLE.len());
    } else {
        let is_root = len == 1;
        text.len = 0;
        let shown = if is_root && !root_path().is_empty() { 0 } else { len };
        text.insert(root_path(), shown);
        text.len += shown;
    }
    draft.set_texts(text.whole()?, 0);
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

/// Writes the path of such a file as the whole text of a draft.
pub(crate) fn tell_straight(draft: &mut Draft, dir: i32, path: &[u8]) -> Result<(), isize> {
    let mut text = Text::new(draft, 0);
    write_straight(dir, path, &mut text)?;
    draft.set_texts(text.whole()?, 0);
    Ok(())
}

/// Writes a path as it was given, behind the directory that it starts from, as the whole text of a draft.
pub(crate) fn tell_given(draft: &mut Draft, dir: i32, path: &[u8]) -> Result<(), isize> {
    let mut text = Text::new(draft, 0);
    if path.first() != Some(&b'/') {
        write_base(dir, &mut text)?;
        text.push(b"/");
    }
    text.push(path);
    draft.set_texts(text.whole()?, 0);
    Ok(())
}

/// Writes what the kernel calls an open file: a path, or something like `pipe:[7]`.
fn ask_name(fd: i32, out: &mut Text) -> Result<(), isize> {
    let (at, room) = out.rest();
    let room = room.min(PATH_MAX + 1);
    let got = sys::name_of(fd, at, room);
    let len = usize::try_from(got).map_err(|_negative| got)?;
    if len == room {
        return Err(CUT);
    }
    if !root_path().is_empty() && is_below_root(fd, out, len) {
        out.insert(root_path(), len);
    }
    out.len += len;
    Ok(())
}

/// Returns whether the name that the kernel gave, the `len` bytes behind the text, is seen from the thread's root directory: of a file
/// outside it the kernel gives the name that the run has for it.
fn is_below_root(fd: i32, out: &mut Text, len: usize) -> bool {
    let (at, room) = out.rest();
    if len + 1 >= room {
        return false;
    }
    let end = at.wrapping_add(len);
    // SAFETY: there is room for one more byte.
    unsafe { end.write(0) };
    let (Ok(opened), Ok(named)) = (sys::stat_fd(fd), sys::stat_at(sys::AT_FDCWD, at)) else {
        // It has no name any more: nothing will be said of it.
        return false;
    };
    (opened.dev, opened.ino) == (named.dev, named.ino)
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
    Ok(live_name(stamp, out))
}

/// Makes of what the kernel calls a file what it is called still.
fn live_name(stamp: &Stamp, out: &mut Text) -> Name {
    // macOS adds nothing, and may say what the name was.
    let stripped = out.bytes().strip_suffix(DELETED).map(<[u8]>::len);
    let Some(stripped) = stripped.or(cfg!(target_os = "macos").then_some(out.len)) else {
        return Name::Written;
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
            return Name::Written;
        }
        out.cut(stripped);
        out.push(b"\0");
        out.len -= 1;
        if stamp.nlink > 0 && is_it(whole) {
            return Name::Written;
        }
    }
    out.cut(0);
    Name::Nameless
}

/// Writes what an open file is called now as the whole text of a draft, or says that it has no name.
pub(crate) fn tell_open(draft: &mut Draft, fd: i32, stamp: &Stamp) -> Result<(), isize> {
    let mut text = Text::new(draft, 0);
    if write_open(fd, stamp, &mut text)? == Name::Nameless {
        draft.flag(Flags::NAMELESS);
    }
    draft.set_texts(text.whole()?, 0);
    Ok(())
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

/// Returns whether a path leads through no symbolic link, without a descriptor: word by word. It is a copy of ours, NUL-terminated.
fn is_straight(dir: i32, path: *mut u8, len: usize) -> bool {
    const S_IFMT: u32 = 0o170_000;
    const S_IFDIR: u32 = 0o040_000;
    for end in 1..=len {
        let place = path.wrapping_add(end);
        // SAFETY: within the copy, or its NUL.
        let byte = unsafe { place.read() };
        if byte != b'/' && byte != 0 {
            continue;
        }
        // SAFETY: as above.
        unsafe { place.write(0) };
        let found = sys::lstat_at(dir, path);
        // SAFETY: as above.
        unsafe { place.write(byte) };
        if !found.is_ok_and(|found| found.mode & S_IFMT == S_IFDIR) {
            return false;
        }
    }
    true
}

/// A path on the stack, NUL-terminated.
struct Short {
    bytes: [u8; 256],
    len: usize,
}

impl Short {
    /// Returns one of these parts, if they find room.
    fn of(parts: &[&[u8]]) -> Option<Self> {
        let mut path = Self { bytes: [0; 256], len: 0 };
        for part in parts {
            let room = path.bytes.get_mut(path.len..path.len + part.len())?;
            room.copy_from_slice(part);
            path.len += part.len();
        }
        (path.len < path.bytes.len()).then_some(path)
    }

    fn pointer(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(b"")
    }
}

/// Returns an absolute path with the target of its first word in that word's place, if that is a symbolic link, as `/bin` and `/lib` are
/// where `/usr` has everything: to ask the kernel what it has opened makes inodes of `/proc`, which costs some ten times as much.
fn follow_first(path: &[u8]) -> Option<Short> {
    let start = path.iter().position(|byte| *byte != b'/').filter(|start| *start > 0)?;
    let words = path.get(start..)?;
    let (first, rest) = words.split_at(words.iter().position(|byte| *byte == b'/').unwrap_or(words.len()));
    let link = Short::of(&[b"/", first])?;
    let mut target = [0; 128];
    let len = usize::try_from(sys::read_link(link.pointer(), target.as_mut_ptr(), target.len())).ok()?;
    let target = target.get(..len).filter(|_| len < target.len())?;
    Short::of(&[b"/", target, rest])
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
    out.whole()?;
    // SAFETY: within what was just written.
    let pointer = unsafe { out.start.add(start).cast_const() };
    let flags = sys::O_PATH | sys::O_DIRECTORY | sys::O_CLOEXEC;
    let mut straight = sys::open_straight(dir, pointer, flags, 0);
    let followed = if straight == sys::errno::ELOOP { follow_first(parent) } else { None };
    if let Some(followed) = &followed {
        straight = sys::open_straight(dir, followed.pointer(), flags, 0);
    }
    let walked = followed.as_ref().map_or(parent, Short::bytes);
    let opened = if straight < 0 { sys::open_at(dir, pointer, flags) } else { straight };
    if opened < 0 {
        // No descriptor to be had is no reason for the program's call to fail.
        let has_no_descriptor = matches!(opened, sys::errno::EMFILE | sys::errno::ENFILE);
        let is_straight = has_no_descriptor && is_straight(dir, pointer.cast_mut(), parent.len());
        out.cut(start);
        if !is_straight {
            return Err(opened);
        }
        if parent.first() == Some(&b'/') {
            add_root(out)
        } else {
            write_base(dir, out)?
        }
        out.walk(parent);
        return Ok(());
    }
    out.cut(start);
    let fd = opened as i32;
    let written = if straight >= 0 {
        if parent.first() == Some(&b'/') {
            add_root(out)
        } else {
            write_base(dir, out)?
        }
        out.walk(walked);
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
