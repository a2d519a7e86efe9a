//! What changes names, and lengths.

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Flags, Kind, State};
use tracer_syscalls::constants::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE};

use crate::gaps;
use crate::journal::{self, Draft};
use crate::names::{self, Name, PATH_MAX, PathArgument, Text};
use crate::transfers::{self, is_regular};
use crate::{descriptors, process, sandbox, sys};

const S_IFMT: u32 = 0o170_000;
const S_IFLNK: u32 = 0o120_000;
const S_IFDIR: u32 = 0o040_000;

/// A path argument with the directory that it starts from.
type At = (i32, PathArgument);

fn is_subject(stamp: &Stamp) -> bool {
    is_regular(stamp) || stamp.mode & S_IFMT == S_IFLNK
}

/// Returns the file at a name, the last word not followed.
fn look((dir, path): At) -> Result<Stamp, isize> {
    if sandbox::is_entered() {
        // Asked by the reader; that the pointer is good is for the call to find out.
        return if path.pointer.is_null() {
            Err(sys::errno::EINVAL)
        } else {
            Ok(Stamp { mode: 0, ..Stamp::default() })
        };
    }
    sys::lstat_at(dir, path.pointer)
}

fn write(at: At, out: &mut Text) -> Result<(), isize> {
    let (dir, path) = at;
    if sandbox::is_entered() {
        return names::write_straight(dir, path.bytes(), out);
    }
    names::write_name(dir, path.bytes(), out)
}

/// Begins an entry with one name. `None` where the call will fail as well.
fn named(kind: Kind, at: At, stamp: &Stamp) -> Option<Draft> {
    told(names::draft(kind, |draft| {
        let mut text = Text::new(draft, 0);
        write(at, &mut text)?;
        draft.set_texts(text.whole()?, 0);
        Ok(())
    }))
    .inspect(|draft| set_stamp(draft, stamp))
}

/// Tells of a name that was not to be had.
fn told(draft: Result<Draft, isize>) -> Option<Draft> {
    if let Err(error) = draft {
        gaps::tell_if_unnamed(error);
    }
    draft.ok()
}

fn set_stamp(draft: &Draft, stamp: &Stamp) {
    draft.stamp(stamp);
    if sandbox::is_entered() {
        draft.flag(Flags::UNSTAMPED);
    }
}

fn begun(mut draft: Draft) -> Draft {
    journal::change();
    draft.seal(State::Begun);
    draft
}

/// unlink(2).
pub(crate) fn unlink(dir: i32, path: PathArgument) -> Option<Draft> {
    let stamp = look((dir, path)).ok()?;
    if !is_subject(&stamp) && !sandbox::is_entered() {
        return None;
    }
    let draft = named(Kind::Unlink, (dir, path), &stamp)?;
    journal::change_names();
    Some(begun(draft))
}

/// rename(2) and its kin.
pub(crate) fn rename(from: At, to: At, flags: u64) -> Option<Draft> {
    let stamp = look(from).ok()?;
    let there = look(to);
    if there == Err(sys::errno::EFAULT) {
        return None;
    }
    if let Ok(there) = there
        && is_subject(&there)
        && let Some(mut seen) = named(Kind::Seen, to, &there)
    {
        seen.seal(State::Done);
    }
    let mut draft = two_names(Kind::Rename, from, to, &stamp)?;
    if flags & RENAME_EXCHANGE != 0 {
        draft.flag(Flags::EXCHANGE);
    }
    journal::change_names();
    draft.seal(State::Begun);
    Some(draft)
}

fn two_names(kind: Kind, from: At, to: At, stamp: &Stamp) -> Option<Draft> {
    told(names::draft(kind, |draft| {
        let mut first = Text::new(draft, 0);
        write(from, &mut first)?;
        let mut second = Text::new(draft, first.whole()?);
        write(to, &mut second)?;
        draft.set_texts(first.len, second.whole()?);
        Ok(())
    }))
    .inspect(|draft| set_stamp(draft, stamp))
}

/// link(2) and linkat(2).
pub(crate) fn link(from: At, to: At, flags: u64) -> Option<Draft> {
    let (dir, path) = from;
    if look(to) == Err(sys::errno::EFAULT) {
        return None;
    }
    if flags & (AT_EMPTY_PATH | AT_SYMLINK_FOLLOW) == 0 || sandbox::is_entered() {
        let stamp = look(from).ok()?;
        if !is_subject(&stamp) && !sandbox::is_entered() {
            return None;
        }
        return two_names(Kind::Link, from, to, &stamp).map(begun);
    }
    // The kernel says ENOENT of an empty path, and EFAULT of a bad address.
    let is_descriptor = flags & AT_EMPTY_PATH != 0
        && sys::lstat_at(dir, path.pointer) == Err(sys::errno::ENOENT)
        && path.is_empty();
    let fd = if is_descriptor {
        dir
    } else {
        let opened = sys::open_at(dir, path.pointer, sys::O_PATH | sys::O_CLOEXEC);
        if opened < 0 {
            return None;
        }
        opened as i32
    };
    let draft = link_of_open(fd, to);
    if !is_descriptor {
        sys::close(fd);
    }
    draft.map(begun)
}

/// A link of an open file, which may have no name.
fn link_of_open(fd: i32, to: At) -> Option<Draft> {
    let stamp = sys::stat_fd(fd).ok().filter(is_subject)?;
    told(names::draft(Kind::Link, |draft| {
        let mut first = Text::new(draft, 0);
        if names::write_open(fd, &stamp, &mut first)? == Name::Nameless {
            draft.flag(Flags::NAMELESS);
        }
        let mut second = Text::new(draft, first.whole()?);
        write(to, &mut second)?;
        draft.set_texts(first.len, second.whole()?);
        Ok(())
    }))
    .inspect(|draft| set_stamp(draft, &stamp))
}

/// symlink(2): `target` is the address of the target text.
pub(crate) fn symlink(target: usize, dir: i32, path: PathArgument) -> Option<Draft> {
    if is_bad(dir, path) {
        return None;
    }
    told(names::draft(Kind::Symlink, |draft| {
        let mut name = Text::new(draft, 0);
        write((dir, path), &mut name)?;
        let mut text = Text::new(draft, name.whole()?);
        if !copy_string(target, &mut text) {
            // A bad address: the call fails as well.
            return Err(sys::errno::EINVAL);
        }
        draft.set_texts(name.len, text.whole()?);
        Ok(())
    }))
    .map(begun)
}

/// mknod(2) of a regular file.
pub(crate) fn create(dir: i32, path: PathArgument) -> Option<Draft> {
    if is_bad(dir, path) {
        return None;
    }
    named(Kind::Create, (dir, path), &Stamp::default()).map(begun)
}

/// Returns whether a path that is to be made cannot be: it is there, or no memory is.
fn is_bad(dir: i32, path: PathArgument) -> bool {
    look((dir, path)) != Err(sys::errno::ENOENT) && !sandbox::is_entered()
}

/// Copies a string of the program's that the kernel has not looked at yet.
fn copy_string(address: usize, out: &mut Text) -> bool {
    const CHUNK: usize = 64;
    let mut at = address;
    while out.len < PATH_MAX {
        // Not across the end of a chunk of memory that may be the last one there is.
        let mut chunk = [0; CHUNK];
        let want = CHUNK - at % CHUNK;
        let Some(part) = chunk.get_mut(..want) else { return false };
        let got = sys::peek(at, part);
        let Some(bytes) = part.get(..got).filter(|bytes| !bytes.is_empty()) else { return false };
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            out.push(bytes.get(..end).unwrap_or(b""));
            return true;
        }
        out.push(bytes);
        at = at.wrapping_add(got);
    }
    false
}

/// truncate(2).
pub(crate) fn truncate(dir: i32, path: PathArgument, length: u64) -> Option<Draft> {
    if sandbox::is_entered() {
        let draft = named(Kind::Truncate, (dir, path), &Stamp::default())?;
        draft.value(length);
        return Some(begun(draft));
    }
    let straight = sys::open_straight(dir, path.pointer, sys::O_PATH | sys::O_CLOEXEC, 0);
    let is_straight = straight >= 0;
    let opened =
        if is_straight { straight } else { sys::open_at(dir, path.pointer, sys::O_PATH | sys::O_CLOEXEC) };
    if opened < 0 {
        return truncate_by_name((dir, path), length, opened);
    }
    let fd = opened as i32;
    let draft = sys::stat_fd(fd).ok().filter(is_regular).and_then(|stamp| {
        let draft = if is_straight {
            names::draft(Kind::Truncate, |draft| names::tell_straight(draft, dir, path.bytes()))
        } else {
            names::draft(Kind::Truncate, |draft| names::tell_open(draft, fd, &stamp))
        };
        let draft = told(draft)?;
        draft.stamp(&stamp).value(length);
        Some(draft)
    });
    sys::close(fd);
    draft.map(begun)
}

/// Where no descriptor is to be had: the name is the file's, unless it is a link.
fn truncate_by_name(at: At, length: u64, error: isize) -> Option<Draft> {
    if !matches!(error, sys::errno::EMFILE | sys::errno::ENFILE) {
        return None;
    }
    let stamp = look(at).ok()?;
    if !is_regular(&stamp) {
        gaps::tell_if_unnamed(error);
        return None;
    }
    let draft = named(Kind::Truncate, at, &stamp)?;
    draft.value(length);
    Some(begun(draft))
}

/// ftruncate(2), or with no length fallocate(2).
pub(crate) fn resize(fd: i32, length: Option<u64>) -> Option<Draft> {
    let stamp = transfers::file_of(fd)?;
    let kind = if length.is_some() { Kind::Truncate } else { Kind::Allocate };
    let draft = transfers::about(kind, fd, &stamp)?;
    draft.value(length.unwrap_or(0));
    let draft = begun(draft);
    transfers::remember_path(fd, &draft);
    Some(draft)
}

/// Says whether it happened.
pub(crate) fn leave(draft: Draft, result: isize) {
    draft.finish(if result >= 0 { State::Done } else { State::Void });
}

/// Says whether something was made, and which file it is.
pub(crate) fn leave_made(draft: Draft, dir: i32, path: *const u8, result: isize) {
    if result >= 0 {
        if sandbox::is_entered() {
            draft.flag(Flags::UNSTAMPED);
        } else {
            match sys::lstat_at(dir, path) {
                Ok(stamp) => draft.stamp(&stamp),
                Err(_) if sandbox::may_pretend() => return draft.finish(State::Void),
                Err(_) => draft.flag(Flags::UNSTAMPED),
            };
        }
    }
    leave(draft, result);
}

/// Says whether a name was taken away from its file. A filter may have said so while nothing was done: then it is there still.
pub(crate) fn leave_removed(draft: Draft, dir: i32, path: *const u8, result: isize) {
    let is_there = || sys::lstat_at(dir, path).is_ok_and(|found| draft.is_about(&found));
    if result >= 0 && sandbox::may_pretend() && is_there() {
        return draft.finish(State::Void);
    }
    leave(draft, result);
}

/// The thread's table of descriptors becomes its own: to one that is alone, as one is that borrows the memory of another process, nothing
/// changes.
pub(crate) fn unshare_files() {
    if process::has_threads() && !process::is_borrowed() {
        descriptors::split();
    }
}

/// unshare(2).
pub(crate) fn unshare(flags: u64) {
    use process::clone::{FILES, FS, NEWNS, NEWPID};
    if flags & FILES != 0 {
        unshare_files();
    }
    // A new mount namespace comes with a directory of its own (unshare(2)).
    if flags & (FS | NEWNS) != 0 {
        names::split_directories();
    }
    if flags & NEWPID != 0 {
        process::children_become_foreign();
    }
}

/// setns(2) or pivot_root(2): paths may mean something else, and children may be called something else.
pub(crate) fn enter_namespace() {
    journal::change_names();
    names::split_directories();
    process::children_become_foreign();
}

/// Tells the path of a directory that is to be a root directory, and returns where; 0 if it cannot be one.
pub(crate) fn tell_directory_named(path: PathArgument) -> u64 {
    let opened = sys::open_at(sys::AT_FDCWD, path.pointer, sys::O_PATH | sys::O_DIRECTORY | sys::O_CLOEXEC);
    if opened < 0 {
        return 0;
    }
    let fd = opened as i32;
    let told = sys::stat_fd(fd).ok().filter(|stamp| stamp.mode & S_IFMT == S_IFDIR).and_then(|stamp| {
        let mut draft = told(names::draft(Kind::Path, |draft| names::tell_open(draft, fd, &stamp)))?;
        draft.seal(State::Done);
        Some(draft.position)
    });
    sys::close(fd);
    told.unwrap_or(0)
}
