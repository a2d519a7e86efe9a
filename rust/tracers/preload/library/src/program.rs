//! The program that was executed, as the kernel and the loader have laid it out.
//!
//! # Safety
//!
//! What is read here was written by the kernel or the loader before the initializer, which is where it is read: nobody has changed it yet.

use core::ffi::{CStr, c_char};

use crate::{hooks, imports, loader, start};

/// The program, by its environment: everything else stands near it (getauxval(3)).
#[derive(Clone, Copy)]
pub(crate) struct Program {
    environment: *const *const u8,
}

impl Program {
    /// Returns the strings of its environment.
    pub(crate) fn environment(self) -> impl Iterator<Item = &'static [u8]> {
        start::vector(self.environment)
    }

    /// Returns its arguments.
    pub(crate) fn arguments(self) -> impl Iterator<Item = &'static [u8]> {
        // They stand below the environment, from a null pointer back to the count of them.
        let mut count = 0;
        // SAFETY: the word below the null pointer that ends the arguments is the last of them, or the count where there are none.
        let below = |index: usize| unsafe { self.environment.wrapping_sub(2 + index).read() } as usize;
        while below(count) != count {
            count += 1;
        }
        start::vector(self.environment.wrapping_sub(1 + count))
    }

    /// Returns the path that was given to execve(2): the auxiliary vector stands behind the environment.
    pub(crate) fn executed_path(self) -> &'static [u8] {
        const AT_EXECFN: usize = 31;
        let count = self.environment().count();
        // SAFETY: behind the null pointer that ends the environment.
        let mut at = unsafe { self.environment.add(count + 1) }.cast::<[usize; 2]>();
        loop {
            // SAFETY: pairs up to one whose first word is 0.
            match unsafe { at.read() } {
                [0, _] => return b"",
                [AT_EXECFN, path] => {
                    // SAFETY: a string of the kernel's.
                    return unsafe { CStr::from_ptr(path as *const _) }.to_bytes();
                }
                // SAFETY: not the last pair.
                _ => at = unsafe { at.add(1) },
            }
        }
    }
}

/// Returns how the loader knows the library, null if it does not say.
pub(crate) fn library_path() -> *const c_char {
    let own = imports::own_dynamic();
    let has_address_sanitizer = loader::loaded().any(|map| map.is_named(b"libasan.so"));
    let mut path = core::ptr::null();
    for map in loader::loaded().filter(|map| map.is_at(own)) {
        path = map.name().as_ptr();
        if has_address_sanitizer {
            // It ends programs in which another library is loaded before it, and overlooks the kernel's own, which have such
            // names (sanitizer_common, FindFirstDSOCallback). Nothing of this library is in its way.
            map.set_name(c"linux-roar-preload.so");
        }
    }
    path
}

/// Returns the paths of what is loaded, as the loader has them, but for the library itself.
pub(crate) fn images() -> impl Iterator<Item = &'static [u8]> {
    let own = imports::own_dynamic();
    loader::loaded()
        .filter(move |map| !map.is_at(own))
        .map(|map| map.name().to_bytes())
        .filter(|name| name.contains(&b'/'))
}

/// Returns the path of the loader, as the program names it; empty where it is not known.
pub(crate) fn loader() -> &'static [u8] {
    loader::own_name()
}

/// Called by the loader; glibc's gives the arguments of `main`, others give nothing.
extern "C" fn initialize(_count: usize, _arguments: *const *const u8, environment: *const *const u8) {
    let environment = if imports::is_glibc() { environment } else { imports::environment() };
    if !environment.is_null() && start::begin(Program { environment }) {
        hooks::begin();
    } else {
        hooks::step_aside();
    }
}

#[used]
// SAFETY: the loader calls the functions in this section once each, with the C convention that `initialize` has.
#[unsafe(link_section = ".init_array")]
static INITIALIZE: extern "C" fn(usize, *const *const u8, *const *const u8) = initialize;
