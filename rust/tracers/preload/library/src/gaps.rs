//! What could not be seen, said at once.

use tracer_preload_journal::{Kind, State};

use crate::journal::Draft;
use crate::names::{NO_ROOM, Text};
use crate::sys::errno::{EACCES, EEXIST, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR};

/// Numbers of the report's `GapKind`.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Gap {
    /// What goes through an io_uring.
    IoUring = 4,
    /// A file whose path could not be found out.
    Unresolved = 7,
    /// A supervisor that answers system calls.
    SeccompListener = 8,
    /// What another C library does.
    RawCalls = 12,
}

/// Tells of something that could not be seen, in words for a person.
pub(crate) fn tell(gap: Gap, words: &[u8]) {
    if let Some(mut draft) = Draft::new(Kind::Gap, words.len()) {
        let mut text = Text::new(&draft, 0);
        text.push(words);
        let len = text.len;
        draft.value(gap as u64);
        draft.set_texts(0, len);
        draft.seal(State::Done);
    }
}

/// Tells of a name that could not be found out, unless for a reason for which the call fails as well.
pub(crate) fn tell_if_unnamed(error: isize) {
    if !matches!(error, ENOENT | EACCES | EEXIST | ENOTDIR | EINVAL | ENAMETOOLONG | ELOOP) {
        tell_unnamed(-1, error);
    }
}

/// Tells of a descriptor that was used and whose file has no path to be had.
pub(crate) fn tell_unnamed(_fd: i32, error: isize) {
    if error == NO_ROOM {
        return;
    }
    let words: &[u8] = match error {
        ENAMETOOLONG => b"a file was used whose path is longer than the kernel can say",
        _ => b"a file was used whose path could not be asked for: is /proc mounted for the process?",
    };
    tell(Gap::Unresolved, words);
}

/// Tells that the root directory is another now, and was below one before: the kernel gives no paths from above that.
pub(crate) fn tell_nested_root() {
    tell(
        Gap::Unresolved,
        b"roar was started below chroot(2), and a program of the run has called it again: paths outside its root directory are not known",
    );
}
