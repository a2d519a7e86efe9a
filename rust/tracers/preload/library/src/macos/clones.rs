//! Files that are made as copies of others, sharing their blocks (clonefile(2)): how macOS copies files wherever it can.

use tracer_syscalls::constants::{O_CREAT, O_EXCL};

use super::Hook;
use crate::descriptors::{self, Side};
use crate::names::PathArgument;
use crate::{opens, sys, transfers};

/// Which arguments say what. That of a descriptor or a directory is `None` where the function has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clone {
    /// The descriptor of the source.
    pub(super) fd: Option<usize>,
    /// The directory and the path of the source.
    pub(super) from: (Option<usize>, usize),
    /// The same of what is made.
    pub(super) to: (Option<usize>, usize),
}

/// clonefile(2): source, destination, flags.
pub(super) const BY_PATH: Clone = Clone { fd: None, from: (None, 0), to: (None, 1) };
/// clonefileat(2): directory and source, directory and destination, flags.
pub(super) const BY_PATH_AT: Clone = Clone { fd: None, from: (Some(0), 1), to: (Some(2), 3) };
/// fclonefileat(2): descriptor, directory and destination, flags.
pub(super) const BY_DESCRIPTOR: Clone = Clone { fd: Some(0), from: (None, 0), to: (Some(1), 2) };

/// Calls one of them, and tells what it did. Of a folder that is copied as a whole the files are not told.
pub(super) fn tell(hook: &Hook, clone: Clone, given: [usize; 6]) -> usize {
    const O_WRONLY: u64 = 1;
    let arg = |position: usize| given.get(position).copied().unwrap_or(0);
    let at = |(dir, path): (Option<usize>, usize)| {
        (dir.map_or(sys::AT_FDCWD, |dir| arg(dir) as i32), PathArgument { pointer: arg(path) as *const u8 })
    };
    let (dir, path) = at(clone.to);
    let before = sys::error_number();
    let opening = opens::prepare_as_asked(dir, path, O_WRONLY | O_CREAT | O_EXCL);
    sys::set_error_number(before);
    let result = hook.call(given);
    let error = sys::error_number();
    if result as i32 == 0 {
        let made = sys::open_at(dir, path.pointer, sys::O_CLOEXEC);
        opens::leave(opening, made);
        if made >= 0 {
            transfers::tell_uncounted(made as i32, Side::Write);
            put_away(made as i32);
        }
        tell_source(clone.fd.map(|fd| arg(fd) as i32), at(clone.from));
    } else {
        opens::leave(opening, -1);
    }
    sys::set_error_number(error);
    result
}

fn tell_source(fd: Option<i32>, (dir, path): (i32, PathArgument)) {
    if let Some(fd) = fd {
        transfers::tell_uncounted(fd, Side::Read);
        return;
    }
    let opened = sys::open_at(dir, path.pointer, sys::O_CLOEXEC);
    if opened >= 0 {
        transfers::tell_uncounted(opened as i32, Side::Read);
        put_away(opened as i32);
    }
}

/// Closes a descriptor of ours, of which no more must be known than of any that is closed.
fn put_away(fd: i32) {
    descriptors::forget(fd);
    sys::close(fd);
}
