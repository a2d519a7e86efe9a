//! The program that was executed, as dyld has it.
//!
//! # Safety
//!
//! dyld gives the vectors to the initializer, which is where they are read: nobody has changed them yet. It lists the images, of which none comes
//! or goes while an initializer of the program's start runs.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use crate::start;

/// `Dl_info` (dlfcn.h).
#[repr(C)]
struct Info {
    path: *const c_char,
    base: *const u8,
    symbol: *const c_char,
    address: *const u8,
}

unsafe extern "C" {
    fn dladdr(address: *const u8, info: *mut Info) -> c_int;
    fn _dyld_image_count() -> u32;
    fn _dyld_get_image_name(index: u32) -> *const c_char;
}

/// The program, by its vectors.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    arguments: *const *const u8,
    environment: *const *const u8,
    /// What the kernel tells dyld: first "executable_path=" and the path that was given to execve(2).
    apple: *const *const u8,
}

impl Program {
    /// Returns the strings of its environment.
    pub(crate) fn environment(self) -> impl Iterator<Item = &'static [u8]> {
        start::vector(self.environment)
    }

    /// Returns its arguments.
    pub(crate) fn arguments(self) -> impl Iterator<Item = &'static [u8]> {
        start::vector(self.arguments)
    }

    /// Returns the path that was given to execve(2).
    pub(crate) fn executed_path(self) -> &'static [u8] {
        start::vector(self.apple).find_map(|string| string.strip_prefix(b"executable_path=")).unwrap_or(b"")
    }
}

/// Returns how dyld knows the library, null if it does not say.
pub(crate) fn library_path() -> *const c_char {
    let mut info = Info { path: ptr::null(), base: ptr::null(), symbol: ptr::null(), address: ptr::null() };
    // SAFETY: asks about an address of the library's own, and writes to `info` alone.
    let found = unsafe { dladdr((&raw const INITIALIZE).cast(), &raw mut info) };
    if found == 0 { ptr::null() } else { info.path }
}

/// Returns the path of the loader: every program has the same, and it is among the images.
pub(crate) fn loader() -> &'static [u8] {
    b""
}

/// Returns the paths of what is loaded, as dyld has them, but for the program and the library itself.
pub(crate) fn images() -> impl Iterator<Item = &'static [u8]> {
    let own = start::library_path();
    // SAFETY: it asks for nothing.
    let count = unsafe { _dyld_image_count() };
    (1..count).filter_map(move |index| {
        // SAFETY: null for an index that there is no image of.
        let name = unsafe { _dyld_get_image_name(index) };
        // SAFETY: a string of dyld's, which lasts as long as the image.
        let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_bytes())?;
        (Some(name) != own).then_some(name)
    })
}

/// Called by dyld, which gives initializers all that `main` gets, and more.
extern "C" fn initialize(
    _count: c_int,
    arguments: *const *const u8,
    environment: *const *const u8,
    apple: *const *const u8,
) {
    if !arguments.is_null() && !environment.is_null() && !apple.is_null() {
        start::begin(Program { arguments, environment, apple });
    }
}

#[used]
// SAFETY: dyld calls the functions in this section once each, with the C convention that `initialize` has.
#[unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")]
static INITIALIZE: extern "C" fn(c_int, *const *const u8, *const *const u8, *const *const u8) = initialize;
