//! posix_spawn(2): how most processes of macOS come to be.

use super::Hook;
use crate::names::PathArgument;
use crate::{exec, sys};

unsafe extern "C" {
    fn posix_spawnattr_getflags(attributes: usize, flags: *mut u16) -> i32;
}

/// Returns whether the program takes the place of this one (POSIX_SPAWN_SETEXEC, spawn.h).
fn replaces(attributes: usize) -> bool {
    const SETEXEC: u16 = 0x40;
    let mut flags = 0;
    // SAFETY: the program's attributes, which posix_spawn(2) is about to read.
    attributes != 0
        && unsafe { posix_spawnattr_getflags(attributes, &raw mut flags) } == 0
        && flags & SETEXEC != 0
}

/// Calls it, and tells what it did: where the id goes, path, actions, attributes, arguments, environment.
pub(super) fn tell(hook: &Hook, [pid, name, actions, attributes, arguments, own]: [usize; 6]) -> usize {
    let path = PathArgument { pointer: name as *const u8 };
    let mut environment = own;
    let before = sys::error_number();
    if replaces(attributes) {
        let prepared = exec::prepare(sys::AT_FDCWD, path, 0, arguments, own);
        exec::adopt(&prepared, &mut environment);
        sys::set_error_number(before);
        let result = hook.call([pid, name, actions, attributes, arguments, environment]);
        if let Some(prepared) = prepared {
            exec::leave(prepared);
        }
        return result;
    }
    let spawning = exec::prepare_spawn(path, own);
    exec::adopt_spawn(&spawning, &mut environment);
    sys::set_error_number(before);
    let mut own_place = 0_u32;
    let place = if pid == 0 { (&raw mut own_place) as usize } else { pid };
    let result = hook.call([place, name, actions, attributes, arguments, environment]);
    let is_made = result as i32 == 0;
    // SAFETY: the function has just written it.
    let child = if is_made { unsafe { (place as *const u32).read() } } else { 0 };
    let error = sys::error_number();
    exec::leave_spawn(spawning, child);
    sys::set_error_number(error);
    result
}
