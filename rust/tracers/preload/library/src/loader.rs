//! What the dynamic loader has loaded, from its own list (`struct link_map`, link.h).
//!
//! # Safety
//!
//! The loader builds the list before any initializer runs and announces it through `_r_debug` or `_dl_debug_addr`; it is read while there is
//! one thread, or for the names of files that stay loaded.

use core::ffi::CStr;

/// `struct link_map`, the public part.
#[repr(C)]
pub(crate) struct LinkMap {
    /// Where it is loaded, less the address that it was made for.
    pub(crate) base: usize,
    name: *const core::ffi::c_char,
    dynamic: usize,
    pub(crate) next: *mut Self,
    previous: *mut Self,
}

/// `struct r_debug`.
#[repr(C)]
struct Debug {
    version: i32,
    map: *mut LinkMap,
    /// A function of the loader's, and what it is about to do.
    told: usize,
    state: i32,
    /// Where the loader itself is loaded.
    loader: usize,
}

impl LinkMap {
    /// Returns the path by which it was loaded; empty for the program.
    pub(crate) fn name(&self) -> &'static CStr {
        if self.name.is_null() {
            return c"";
        }
        // SAFETY: a string of the loader's.
        unsafe { CStr::from_ptr(self.name) }
    }

    /// Returns whether the last word of its path begins like that.
    pub(crate) fn is_named(&self, start: &[u8]) -> bool {
        let name = self.name().to_bytes();
        let last = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        name.get(last..).unwrap_or(b"").starts_with(start)
    }

    /// Gives it another name, which lasts.
    pub(crate) fn set_name(&mut self, name: &'static CStr) {
        self.name = name.as_ptr();
    }

    /// Returns where its name is.
    pub(crate) fn name_address(&self) -> usize {
        self.name as usize
    }

    /// Returns its dynamic section: tags with values (elf(5)).
    pub(crate) fn dynamic(&self) -> *const [usize; 2] {
        self.dynamic as *const [usize; 2]
    }

    /// Returns whether it holds that address; its dynamic section is near all else that it has.
    pub(crate) fn is_at(&self, dynamic: usize) -> bool {
        self.dynamic == dynamic
    }
}

/// The list, from the program on.
pub(crate) struct Loaded(*mut LinkMap);

fn debug() -> Option<&'static Debug> {
    // SAFETY: null, or the loader's announcement.
    unsafe { crate::imports::debug().cast::<Debug>().as_ref() }
}

/// Returns what is loaded; nothing where the loader is not known.
pub(crate) fn loaded() -> Loaded {
    Loaded(debug().map_or(core::ptr::null_mut(), |debug| debug.map))
}

/// Returns the path of the loader itself, as the program names it; empty where it is not known.
pub(crate) fn own_name() -> &'static [u8] {
    let place = debug().map_or(0, |debug| debug.loader);
    let own = loaded().find(|map| place != 0 && map.base == place);
    own.map_or(b"", |map| map.name().to_bytes())
}

impl Iterator for Loaded {
    type Item = &'static mut LinkMap;

    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: a member of the list, or null at its end.
        let map = unsafe { self.0.as_mut() }?;
        self.0 = map.next;
        Some(map)
    }
}
