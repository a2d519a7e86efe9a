//! Opens: those that create or empty a file, and those that only say which file a descriptor is.

use core::sync::atomic::{AtomicU64, Ordering};

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Flags, Kind, State};
use tracer_syscalls::constants::{O_CREAT, O_PATH, O_TMPFILE, O_TRUNC};

use crate::journal::{self, Draft};
use crate::names::{self, PathArgument, Text};
use crate::transfers::is_regular;
use crate::{descriptors, gaps, lookups, process, sandbox, sys};

/// What an open does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Says which file a descriptor is; its path is asked for when it is used.
    Plain,
    /// The same, in a sandbox: the draft has the path, as far as it can be known.
    Observed,
    /// Creates or empties a file.
    Effective,
}

/// An open that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    sort: Sort,
    /// The entry, if the path could be told before.
    draft: Option<Draft>,
    /// The file as it was; absent if there was none.
    before: Stamp,
    flags: u64,
    /// What the program gave the kernel, if the kernel is to follow it as the program asked.
    asked: Option<(i32, PathArgument)>,
}

/// Returns the flags of `struct open_how` of the program's.
pub(crate) fn how(address: usize) -> Option<u64> {
    let mut word = [0; 8];
    (sys::peek(address, &mut word) == word.len()).then(|| u64::from_le_bytes(word))
}

/// Prepares for an open with O_CREAT, O_TRUNC or O_TMPFILE. `None`: it creates and empties nothing.
pub(crate) fn prepare(dir: i32, path: PathArgument, flags: u64, is_new: bool) -> Option<Opening> {
    if flags & O_PATH != 0 {
        return None;
    }
    let before = look(dir, path, flags, is_new)?;
    let is_nameless = flags & O_TMPFILE != 0;
    let named = names::draft(Kind::Open, |draft| {
        let mut text = Text::new(draft, 0);
        if is_nameless {
            draft.flag(Flags::NAMELESS);
        } else if sandbox::is_entered() {
            // Unverified: what the reader finds there decides.
            names::write_straight(dir, path.bytes(), &mut text)?;
            draft.flag(Flags::UNSTAMPED);
        } else {
            names::write_name(dir, path.bytes(), &mut text)?;
        }
        draft.set_texts(text.whole()?, 0);
        Ok(())
    });
    let Ok(mut draft) = named else {
        // Then the open fails as well, or the descriptor tells.
        return Some(Opening { sort: Sort::Effective, draft: None, before, flags, asked: None });
    };
    if before.ino != 0 {
        draft.flag(Flags::EXISTED);
    }
    draft.value(flags).stamp(&before);
    journal::change();
    draft.seal(State::Begun);
    Some(Opening { sort: Sort::Effective, draft: Some(draft), before, flags, asked: None })
}

/// Returns the file that is there before an open; `None` if the open will have no effect of its own.
fn look(dir: i32, path: PathArgument, flags: u64, is_new: bool) -> Option<Stamp> {
    if sandbox::is_entered() {
        return Some(Stamp::default());
    }
    if flags & O_TMPFILE != 0 {
        return sys::stat_at(dir, path.pointer).ok().map(|_| Stamp::default());
    }
    match if is_new { sys::lstat_at(dir, path.pointer) } else { sys::stat_at(dir, path.pointer) } {
        Ok(_) if is_new => None,
        Ok(stamp) => (is_regular(&stamp) && flags & O_TRUNC != 0).then_some(stamp),
        Err(sys::errno::EFAULT) => None,
        Err(_) => (flags & O_CREAT != 0).then(Stamp::default),
    }
}

/// Prepares for an open by openat2(2), which is made exactly as the program asked: its path is asked for afterwards.
pub(crate) fn prepare_as_asked(dir: i32, path: PathArgument, flags: u64) -> Opening {
    let is_new = flags & O_TMPFILE != 0 || flags & (O_CREAT | 0o200) == O_CREAT | 0o200;
    let before =
        if flags & (O_CREAT | O_TRUNC | O_TMPFILE) == 0 { None } else { look(dir, path, flags, is_new) };
    match before {
        Some(before) => {
            journal::change();
            Opening { sort: Sort::Effective, draft: None, before, flags, asked: Some((dir, path)) }
        }
        None => Opening { asked: Some((dir, path)), ..unresolved() },
    }
}

/// Returns an open of a new file whose name is not known yet.
pub(crate) fn unforeseen(flags: u64) -> Opening {
    journal::change();
    Opening { sort: Sort::Effective, draft: None, before: Stamp::default(), flags, asked: None }
}

/// Returns an open that has no effect, of which is known what was asked for.
pub(crate) fn unresolved_at(dir: i32, path: PathArgument) -> Opening {
    Opening { asked: Some((dir, path)), ..unresolved() }
}

/// Returns an open of which nothing is known but that it has no effect.
pub(crate) fn unresolved() -> Opening {
    Opening { sort: Sort::Plain, draft: None, before: Stamp::default(), flags: 0, asked: None }
}

/// Prepares for an open without effect in a sandbox: its path is taken as it is written, and verified by the reader.
pub(crate) fn observe(dir: i32, path: PathArgument) -> Opening {
    let told = straight(dir, path.bytes()).map(|mut draft| {
        draft.flag(Flags::UNSTAMPED);
        draft.seal(State::Begun);
        draft
    });
    Opening { sort: Sort::Observed, draft: told.ok(), before: Stamp::default(), flags: 0, asked: None }
}

/// Begins an entry with the path of a file that was opened without meeting a symbolic link.
fn straight(dir: i32, path: &[u8]) -> Result<Draft, isize> {
    names::draft(Kind::Path, |draft| names::tell_straight(draft, dir, path))
}

/// Makes an open that creates or empties, if the kernel meets no symbolic link: then its name is the one that was told. `Err`: it is to be
/// made as the program asked, and its name asked for afterwards.
pub(crate) fn make(opening: Opening, dir: i32, path: PathArgument, mode: usize) -> Result<isize, Opening> {
    let Some(draft) = opening.draft.filter(|_| !sandbox::is_entered()) else {
        return Err(opening);
    };
    match try_straight(dir, path, opening.flags, mode) {
        Some(result) => {
            leave(opening, result);
            Ok(result)
        }
        None => {
            draft.finish(State::Void);
            Err(Opening { draft: None, ..opening })
        }
    }
}

/// Makes an open so that the kernel takes no symbolic link on the way. `None`: there is one, or the kernel does not know how:
/// it is to be made as the program asked.
pub(crate) fn open_straight(dir: i32, path: PathArgument, flags: u64, mode: usize) -> Option<isize> {
    let result = try_straight(dir, path, flags, mode)?;
    if result >= 0 {
        learn(result as i32, dir, path);
    } else if result == sys::errno::ENOENT {
        lookups::absent(dir, path);
    }
    Some(result)
}

fn try_straight(dir: i32, path: PathArgument, flags: u64, mode: usize) -> Option<isize> {
    use sys::errno::{E2BIG, EAGAIN, EINVAL, ELOOP, ENOSYS, EPERM};
    let mode = if flags & (O_CREAT | O_TMPFILE) != 0 { mode } else { 0 };
    let result = sys::open_straight(dir, path.pointer, flags as usize, mode);
    (!matches!(result, ELOOP | EINVAL | ENOSYS | EPERM | E2BIG | EAGAIN)).then_some(result)
}

/// What was learned of a path: the same words in the same directory, while the run changes nothing, are the same file.
struct Known {
    hash: AtomicU64,
    changes: AtomicU64,
    position: AtomicU64,
}

/// Programs that open a file again and again open few of them. 6 KiB.
const KNOWN_MAX: usize = 256;

static KNOWN: [Known; KNOWN_MAX] =
    [const { Known { hash: AtomicU64::new(0), changes: AtomicU64::new(0), position: AtomicU64::new(0) } };
        KNOWN_MAX];

/// FNV-1a, but by words: for telling paths apart, of which nobody gains from making two alike.
pub(crate) fn hash(path: &[u8], seeds: [u64; 2]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = PRIME;
    let mut mix = |word: u64| {
        hash = (hash ^ word).wrapping_mul(PRIME);
        hash ^= hash >> 29;
    };
    // Words of their own: mixed with the path they could make up for a difference there.
    seeds.into_iter().for_each(&mut mix);
    let (words, rest) = path.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    mix(u64::from_le_bytes(last));
    mix(path.len() as u64);
    hash | 1
}

/// Takes note of which file a new descriptor is, whose path was followed without a symbolic link.
fn learn(fd: i32, dir: i32, path: PathArgument) {
    descriptors::set_open(fd, 0);
    let bytes = path.bytes();
    let is_absolute = bytes.first() == Some(&b'/');
    let is_keepable =
        (is_absolute || (dir == sys::AT_FDCWD && names::is_directory_shared())) && !process::is_borrowed();
    let changes = journal::changes();
    let start = if is_absolute { names::root() } else { u64::from(names::directory_generation()) };
    let hash = hash(bytes, [u64::from(process::name()), start]);
    let known = KNOWN.get((hash >> 8) as usize % KNOWN_MAX).filter(|_| is_keepable);
    if let Some(known) = known
        && known.hash.load(Ordering::Relaxed) == hash
        && known.changes.load(Ordering::Relaxed) == changes
    {
        let position = known.position.load(Ordering::Relaxed);
        descriptors::set_open(fd, position);
        if let Some(counter) = journal::note_at(position, changes) {
            descriptors::set_told(fd, descriptors::Side::Read, counter);
        }
        return;
    }
    let Ok(mut draft) = straight(dir, bytes) else { return };
    draft.seal(State::Done);
    descriptors::set_open(fd, draft.position);
    if let Some(known) = known {
        known.hash.store(0, Ordering::Relaxed);
        known.position.store(draft.position, Ordering::Relaxed);
        known.changes.store(changes, Ordering::Relaxed);
        known.hash.store(hash, Ordering::Relaxed);
    }
}

/// Takes note, with the path of a descriptor, of the entry that told of the first read: whoever opens the path again need not tell
/// it again while nothing changes.
pub(crate) fn remember_read(fd: i32, read: &Draft) {
    if let Some(position) = descriptors::path_position(fd) {
        journal::set_note(position, read.position, journal::changes());
    }
}

/// Tells what an open did.
pub(crate) fn leave(opening: Opening, result: isize) {
    let Opening { sort, draft, before, flags, asked } = opening;
    if result < 0 {
        if let Some(draft) = draft {
            draft.finish(State::Void);
        }
        // What it would have made is nothing that it has looked for.
        if let Some((dir, path)) = asked.filter(|_| result == sys::errno::ENOENT && flags & O_CREAT == 0) {
            lookups::absent(dir, path);
        }
        return;
    }
    let fd = result as i32;
    descriptors::set_open(fd, 0);
    if sort == Sort::Plain {
        // In a root directory of its own there may be nobody to ask later.
        if let Some((dir, path)) = asked.filter(|_| names::root() != 0)
            && let Some(mut draft) = confirm(Kind::Path, fd, dir, path)
        {
            draft.seal(State::Done);
            descriptors::set_open(fd, draft.position);
        }
        return;
    }
    if sort == Sort::Observed {
        if let Some(draft) = draft {
            draft.finish(State::Done);
            descriptors::set_open(fd, draft.position);
        }
        return;
    }
    let now = if sandbox::is_entered() { Stamp::default() } else { sys::stat_fd(fd).unwrap_or_default() };
    let told = match draft {
        Some(draft) => draft,
        None => match name_opened(fd, &now, asked) {
            Some(draft) => draft,
            None => return,
        },
    };
    let existed = before.ino != 0;
    // Should somebody have replaced the file meanwhile, it is told of as it is now.
    let is_same = (before.dev, before.ino) == (now.dev, now.ino);
    told.value(flags).stamp(if existed && is_same { &before } else { &now });
    if existed {
        told.flag(if is_same { Flags::EXISTED } else { Flags::EXISTED.with(Flags::AFTERWARDS) });
    }
    told.finish(State::Done);
    if told.has_path() {
        descriptors::set_open(fd, told.position);
    }
}

/// Tells what an open did that another process was to make.
pub(crate) fn leave_elsewhere(opening: Opening, path: PathArgument, has_happened: bool) {
    let Opening { sort: _, draft, before, flags: _, asked: _ } = opening;
    let Some(draft) = draft else { return };
    if before.ino == 0 {
        let now = sys::stat_at(sys::AT_FDCWD, path.pointer);
        draft.stamp(&now.unwrap_or_default());
    }
    draft.finish(if has_happened { State::Done } else { State::Void });
}

/// Begins an entry for an open whose path could not be told before.
fn name_opened(fd: i32, now: &Stamp, asked: Option<(i32, PathArgument)>) -> Option<Draft> {
    let named = names::draft(Kind::Open, |draft| names::tell_open(draft, fd, now))
        .or_else(|error| asked.and_then(|(dir, path)| confirm(Kind::Open, fd, dir, path)).ok_or(error));
    match named {
        Ok(mut draft) => {
            draft.seal(State::Begun);
            Some(draft)
        }
        Err(error) => {
            gaps::tell_unnamed(fd, error);
            None
        }
    }
}

/// Begins an entry with the path as it is written, if that is the path of the descriptor: without a symbolic link it leads to the same file.
fn confirm(kind: Kind, fd: i32, dir: i32, path: PathArgument) -> Option<Draft> {
    let probe = i32::try_from(try_straight(dir, path, (sys::O_PATH | sys::O_CLOEXEC) as u64, 0)?).ok()?;
    if probe < 0 {
        return None;
    }
    let (found, own) = (sys::stat_fd(probe), sys::stat_fd(fd));
    sys::close(probe);
    let is_same = found.is_ok_and(|found| own.is_ok_and(|own| (found.dev, found.ino) == (own.dev, own.ino)));
    if !is_same {
        return None;
    }
    names::draft(kind, |draft| names::tell_straight(draft, dir, path.bytes())).ok()
}

/// Returns an open by handle: what it opens is known afterwards, and it creates nothing.
pub(crate) fn by_handle(flags: u64) -> Opening {
    if flags & O_TRUNC == 0 {
        return unresolved();
    }
    journal::change();
    // There was a file, whichever it was.
    let before = Stamp { ino: u64::MAX, ..Stamp::default() };
    Opening { sort: Sort::Effective, draft: None, before, flags, asked: None }
}
