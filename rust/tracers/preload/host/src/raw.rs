//! Programs and libraries that make system calls of their own: what these do passes the C library by, and nobody sees it.
//!
//! Each image that a process loads is looked through once, by the collector: code is searched for the bytes of system calls ([`mod@scan`]),
//! each is decoded from the start of its function ([`functions`]) to tell an instruction from what looks like one, and calls that do nothing
//! to files are left out ([`calls`]). What was found is kept for later runs ([`kept`]).

mod aarch64;
mod arguments;
mod calls;
mod functions;
mod image;
mod kept;
mod scan;

use std::fs::File;

use rustc_hash::FxHashSet;
use tracer_host::stamp_of;

use crate::env;
use crate::images::Located;
use crate::journal_file::as_path;
use calls::Calls;
use kept::{Kept, Key};
use scan::scan;

/// C libraries and their loaders: the library patches these, or hooks the functions by which they are called. The calls of librt before
/// glibc 2.34, which may be loaded late, are of timers and message queues, and files it opens through the C library.
const HOOKED: &[&str] = &[
    "libc.so.6",
    "libc-2.",
    "ld-linux",
    "ld-2.",
    "libpthread.so.0",
    "libpthread-2.",
    "librt.so.1",
    "librt-2.",
    "ld-musl-",
    "libc.musl-",
];

/// Libraries whose calls of their own are not a program's: beginning of the name, and the variable of their options.
///
/// The runtimes of sanitizers keep calls for themselves (`internal_open` and the like, in sanitizer_common/sanitizer_linux.cpp), which no program
/// can reach: they read `/proc/self/maps` with them, and map memory. What a program does goes through interceptors, which call the
/// functions of the C library (`REAL(open)`). What they say of a program on its standard error, the library is told by them. Files of a
/// user's they read and write only where options name some ([`OF_FILES`]).
const RUNTIMES: &[(&str, &str)] = &[
    ("libasan.so.", "ASAN_OPTIONS"),
    ("liblsan.so.", "LSAN_OPTIONS"),
    ("libtsan.so.", "TSAN_OPTIONS"),
    ("libubsan.so.", "UBSAN_OPTIONS"),
    ("libhwasan.so.", "HWASAN_OPTIONS"),
];

/// Words of options by which these runtimes read or write files of a user's.
const OF_FILES: &[&str] = &["log_path", "coverage", "suppressions", "include"];

/// Finds images that make calls of their own, each once in a run.
#[derive(Debug, Default)]
pub(crate) struct RawCalls {
    kept: Option<Kept>,
    seen: FxHashSet<Key>,
}

impl RawCalls {
    /// Leaves an image out: the loader of a program, which with musl is the C library as well. What it loads is told.
    pub(crate) fn exempt(&mut self, loader: &Located) {
        self.seen.insert(Key::of(&loader.stamp));
    }

    /// Takes an image that a process has loaded, and returns what is to be said of it, if something is.
    pub(crate) fn take(&mut self, image: &Located) -> Option<String> {
        let key = Key::of(&image.stamp);
        if !self.seen.insert(key) || is_exempt(&image.path) {
            return None;
        }
        let kept = self.kept.get_or_insert_with(Kept::read);
        let calls = match kept.get(&key) {
            Some(calls) => calls,
            None => find(image, key, kept)?,
        };
        (!calls.is_empty()).then(|| words(calls))
    }

    /// Keeps for later runs what was found.
    pub(crate) fn keep(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.write();
        }
    }
}

/// Looks through an image. One that is not there any more, as a program that was made, tried and removed, is believed to be as most are.
fn find(image: &Located, key: Key, kept: &mut Kept) -> Option<Calls> {
    let file = File::open(as_path(&image.path)).ok()?;
    let is_same = |found: &std::fs::Metadata| Key::of(&stamp_of(found)) == key;
    // It was replaced or changed.
    file.metadata().ok().filter(is_same)?;
    // One that is damaged could not have been loaded.
    let calls = scan(&file).unwrap_or_default();
    // A file that was being changed may have been looked through before and after.
    if file.metadata().is_ok_and(|found| is_same(&found)) {
        kept.add(key, calls);
    }
    Some(calls)
}

fn is_exempt(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let begins = |start: &str| name.starts_with(start.as_bytes());
    let runtime = RUNTIMES.iter().find(|(start, _)| begins(start));
    let is_quiet = runtime.is_some_and(|(_, options)| !env::asks(options, OF_FILES));
    is_quiet || HOOKED.iter().any(|start| begins(start))
}

/// Returns whether an image is a C library: loaded into a program that runs, it is a second one, of which nothing is hooked.
pub(crate) fn is_c_library(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    ["libc.so.6", "libc-2."].iter().any(|start| name.starts_with(start.as_bytes()))
}

fn words(calls: Calls) -> String {
    let names = calls.names();
    format!(
        "it can make system calls of its own ({names}), which pass the C library by: what it did with them was not seen: use \
         `--tracer ptrace`"
    )
}
