//! The runtimes of sanitizers (AddressSanitizer and its like), as libraries of their own: what they say of a program.
//!
//! They write it by system calls of their own (`internal_write`), which nobody sees. But they call a function with each text that they have
//! written, which is there for whoever defines it (sanitizer/common_interface_defs.h); the loader finds this one, unless the program has one.

use core::ffi::c_char;

use crate::descriptors::Side;
use crate::strings::{Pages, Strings};
use crate::{imports, journal, transfers};

/// Where they write, unless their options name a file: then their own calls are a gap.
const STDERR: i32 = 2;

/// The variables of their options end like this.
const OPTIONS: &[u8] = b"SAN_OPTIONS=";
const FILE_OPTION: &[u8] = b"log_path";

/// Called by a runtime that has written a text.
// SAFETY: the name is theirs, for this.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_on_print(_text: *const c_char) {
    if journal::head().is_some() && !has_file() {
        transfers::tell_uncounted(STDERR, Side::Write);
    }
}

/// Returns whether options name a file to write to.
fn has_file() -> bool {
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let mut pages = Pages::default();
    let mut environment = Strings::new(imports::environment() as usize, &mut pages);
    environment.any(|variable| variable.is_some_and(|text| has(text, OPTIONS) && has(text, FILE_OPTION)))
}
