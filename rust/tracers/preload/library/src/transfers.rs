//! Reads and writes: the first of each descriptor is told, and goes on counting.

use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Flags, Kind, State};
use tracer_syscalls::constants::FICLONE;

use crate::descriptors::{self, Side, Told};
use crate::journal::{self, Draft};
use crate::names;
use crate::{gaps, opens, sandbox, sys};

/// One side of a transfer.
#[derive(Clone, Copy, Debug)]
enum End {
    /// No file of interest.
    NoFile,
    /// Told of before: the counter.
    Used(usize),
    /// A first read: the descriptor, the file.
    FirstRead(i32, Stamp),
    /// A first read of what may be the very file that the call writes: it has its place, before that of the write.
    ReadFirst(i32, Draft),
    /// A first write, which has its place.
    FirstWrite(i32, Draft),
}

/// A transfer that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    from: End,
    to: End,
    /// Success is 0, and says nothing of bytes.
    is_uncounted: bool,
}

impl Transfer {
    /// Returns the same, but that its success is 0 and its bytes are not known.
    pub(crate) fn uncounted(self) -> Self {
        Self { is_uncounted: true, ..self }
    }
}

const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;

/// Returns whether it is a regular file.
pub(crate) fn is_regular(stamp: &Stamp) -> bool {
    stamp.mode & S_IFMT == S_IFREG
}

/// Returns the file that a descriptor refers to, if it is a regular one; takes note if it is none.
pub(crate) fn file_of(fd: i32) -> Option<Stamp> {
    if sandbox::is_entered() {
        // It cannot be asked; one that has a path was opened as a file.
        return descriptors::path_position(fd).map(|_| Stamp::default());
    }
    let stamp = sys::stat_fd(fd).ok()?;
    if is_regular(&stamp) {
        return Some(stamp);
    }
    descriptors::set_no_file(fd);
    None
}

/// Begins an entry about an open file: with its path, or the place of its path. The texts are set; it is not sealed.
pub(crate) fn about(kind: Kind, fd: i32, stamp: &Stamp) -> Option<Draft> {
    if let Some(position) = descriptors::path_position(fd) {
        let draft = Draft::new(kind, 0)?;
        draft.path_at(position).stamp(stamp);
        if stamp.ino == 0 {
            draft.flag(Flags::UNSTAMPED);
        }
        return Some(draft);
    }
    match names::draft(kind, |draft| names::tell_open(draft, fd, stamp)) {
        Ok(draft) => {
            draft.stamp(stamp);
            Some(draft)
        }
        Err(error) => {
            gaps::tell_unnamed(fd, error);
            None
        }
    }
}

/// Tells the path of an open file, for what will be told of it later.
pub(crate) fn tell_path(fd: i32) {
    if descriptors::path_position(fd).is_some() {
        return;
    }
    if let Some(mut draft) = sys::stat_fd(fd).ok().and_then(|stamp| about(Kind::Path, fd, &stamp)) {
        draft.seal(State::Done);
        remember_path(fd, &draft);
    }
}

/// Takes note that the entry, now sealed, has the path of the descriptor.
pub(crate) fn remember_path(fd: i32, draft: &Draft) {
    if draft.has_path() {
        descriptors::set_path(fd, draft.position);
    }
}

fn source(fd: i32) -> End {
    match descriptors::told(fd, Side::Read) {
        Told::NoFile => End::NoFile,
        Told::Used(counter) => End::Used(counter),
        Told::Nothing => file_of(fd).map_or(End::NoFile, |stamp| End::FirstRead(fd, stamp)),
    }
}

fn target(fd: i32) -> End {
    match descriptors::told(fd, Side::Write) {
        Told::NoFile => return End::NoFile,
        Told::Used(counter) => return End::Used(counter),
        Told::Nothing => {}
    }
    let begun = file_of(fd).and_then(|stamp| about(Kind::Write, fd, &stamp));
    let Some(mut draft) = begun else { return End::NoFile };
    journal::change();
    draft.seal(State::Begun);
    remember_path(fd, &draft);
    End::FirstWrite(fd, draft)
}

/// Prepares for a transfer between descriptors. `None`: nothing is to be told of it.
pub(crate) fn prepare(from: Option<i32>, to: Option<i32>) -> Option<Transfer> {
    let from = match (from.map_or(End::NoFile, source), to) {
        (End::FirstRead(fd, stamp), Some(to)) if descriptors::told(to, Side::Write) == Told::Nothing => {
            about(Kind::Read, fd, &stamp).map_or(End::NoFile, |mut draft| {
                draft.seal(State::Begun);
                End::ReadFirst(fd, draft)
            })
        }
        (from, _) => from,
    };
    let transfer = Transfer { from, to: to.map_or(End::NoFile, target), is_uncounted: false };
    (!matches!(transfer, Transfer { from: End::NoFile, to: End::NoFile, .. })).then_some(transfer)
}

/// Prepares for FICLONE or FICLONERANGE.
pub(crate) fn prepare_clone(to: i32, request: u32, source: usize) -> Option<Transfer> {
    let from = if u64::from(request) == FICLONE {
        source as i32
    } else {
        // `struct file_clone_range` begins with the descriptor (ioctl_ficlonerange(2)).
        let mut word = [0; 8];
        if sys::peek(source, &mut word) != word.len() {
            return None;
        }
        u64::from_le_bytes(word) as i32
    };
    prepare(Some(from), Some(to)).map(Transfer::uncounted)
}

/// Tells of a first read that has happened.
fn tell_read(fd: i32, stamp: &Stamp, bytes: Option<u64>) {
    let Some(mut draft) = about(Kind::Read, fd, stamp) else { return };
    set_bytes(&draft, bytes);
    draft.seal(State::Done);
    remember_read(fd, &draft);
}

fn set_bytes(draft: &Draft, bytes: Option<u64>) {
    match bytes {
        Some(bytes) => draft.value(bytes),
        None => draft.flag(Flags::UNCOUNTED),
    };
}

/// Takes note of a first read that was told.
fn remember_read(fd: i32, draft: &Draft) {
    opens::remember_read(fd, draft);
    remember_path(fd, draft);
    descriptors::set_told(fd, Side::Read, draft.counter());
}

/// Tells what a transfer did.
pub(crate) fn leave(transfer: Transfer, result: isize) {
    let Transfer { from, to, is_uncounted } = transfer;
    let bytes = u64::try_from(result).ok();
    let has_written = bytes.is_some_and(|bytes| bytes > 0 || is_uncounted);
    let counted = bytes.filter(|_| !is_uncounted);
    match (from, bytes) {
        (End::FirstRead(fd, stamp), Some(_)) => tell_read(fd, &stamp, counted),
        (End::ReadFirst(fd, draft), Some(_)) => {
            set_bytes(&draft, counted);
            draft.finish(State::Done);
            remember_read(fd, &draft);
        }
        (End::ReadFirst(_, draft), None) => draft.finish(State::Void),
        (End::Used(counter), Some(bytes)) => descriptors::count(counter, bytes),
        _ => {}
    }
    match to {
        End::FirstWrite(fd, draft) if has_written => {
            draft.value(bytes.unwrap_or(0));
            if is_uncounted {
                draft.flag(Flags::UNCOUNTED);
            }
            draft.finish(State::Done);
            descriptors::set_told(fd, Side::Write, draft.counter());
        }
        End::FirstWrite(_, draft) => draft.finish(State::Void),
        End::Used(counter) => descriptors::count(counter, bytes.unwrap_or(0)),
        End::NoFile | End::FirstRead(..) | End::ReadFirst(..) => {}
    }
}

fn one_sided(fd: i32, side: Side) -> Option<Transfer> {
    match side {
        Side::Read => prepare(Some(fd), None),
        Side::Write => prepare(None, Some(fd)),
    }
}

/// Tells of a transfer that has ended with that result.
pub(crate) fn tell_ended(fd: i32, side: Side, result: isize) {
    if let Some(transfer) = one_sided(fd, side) {
        leave(transfer, result);
    }
}

/// Tells of a transfer whose bytes will not be known.
pub(crate) fn tell_uncounted(fd: i32, side: Side) {
    if let Some(transfer) = one_sided(fd, side) {
        leave(transfer.uncounted(), 0);
    }
}
