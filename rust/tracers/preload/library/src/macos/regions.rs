//! What is mapped where, as the kernel says it.

use tracer_preload_journal::{Kind, State};

use crate::journal::{self, Draft};
use crate::names::Text;
use crate::sys::{self, NAME_MAX};
use crate::transfers;

/// Tells of the file that is mapped where memory was made writable: whether shared is not said, and so it is told of in either case.
pub(crate) fn tell_writable(start: usize, _length: usize) {
    let mut path = [0; NAME_MAX];
    if !sys::mapped_file(start, &mut path) {
        return;
    }
    let len = path.iter().position(|byte| *byte == 0).unwrap_or(0);
    let Ok(stamp) = sys::lstat_at(sys::AT_FDCWD, path.as_ptr()) else { return };
    if !transfers::is_regular(&stamp) {
        return;
    }
    let Some(mut draft) = Draft::new(Kind::MapWrite, len) else { return };
    let mut text = Text::new(&draft, 0);
    text.push(path.get(..len).unwrap_or(b""));
    let len = text.len;
    draft.set_texts(len, 0);
    journal::change();
    draft.stamp(&stamp);
    draft.seal(State::Done);
}
