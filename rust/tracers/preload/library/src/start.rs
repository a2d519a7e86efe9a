//! The beginning: before any instruction of the program, and before any other library's initializer where the loader allows.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tracer_preload_journal::entry::{Mode, Stamp};
use tracer_preload_journal::{Flags, Kind, State};

use crate::env::TRACE;
use crate::gaps::{self, Gap};
use crate::journal::{self, Draft};
use crate::names::{self, Name, PATH_MAX, Text};
use crate::program::{self, Program};
use crate::{patch, process, sandbox, sys};

/// Longest argument list that is told, bytes.
const ARGUMENTS_MAX: usize = 16 * 1024;

/// Longest list of loaded files that is told, bytes: some thousand libraries.
const IMAGES_MAX: usize = 64 * 1024 - 1;

/// How the loader knows the library; null before the beginning.
static LIBRARY_PATH: AtomicPtr<core::ffi::c_char> = AtomicPtr::new(ptr::null_mut());

/// The path of the journal, NUL-terminated: the environment belongs to the program, which may overwrite it.
struct JournalPath(UnsafeCell<[u8; PATH_MAX]>);

// SAFETY: written once, in the initializer, before there is a second thread.
unsafe impl Sync for JournalPath {}

static JOURNAL_PATH: JournalPath = JournalPath(UnsafeCell::new([0; PATH_MAX]));
static JOURNAL_PATH_LEN: AtomicUsize = AtomicUsize::new(0);

/// Returns the path by which loaders find the library.
pub(crate) fn library_path() -> Option<&'static [u8]> {
    let path = LIBRARY_PATH.load(Ordering::Relaxed);
    // SAFETY: null, or a string of the loader's that lasts as long as the library.
    (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) }.to_bytes())
}

/// Returns the path of the journal.
pub(crate) fn journal_path() -> Option<&'static [u8]> {
    let len = JOURNAL_PATH_LEN.load(Ordering::Relaxed);
    // SAFETY: written before the length was, and not after.
    (len != 0).then(|| unsafe { slice::from_raw_parts(JOURNAL_PATH.0.get().cast::<u8>(), len) })
}

/// Begins, if the program was told of a journal, and returns whether hooks are needed.
pub(crate) fn begin(program: Program) -> bool {
    let Some(value) = variable(program, TRACE).filter(|value| !value.is_empty()) else {
        return false;
    };
    LIBRARY_PATH.store(program::library_path().cast_mut(), Ordering::Relaxed);
    let (path, rest) = cut(value, b';');
    if path.len() >= PATH_MAX {
        return false;
    }
    let place = JOURNAL_PATH.0.get().cast::<u8>();
    // SAFETY: there is room, the rest is zeros, and nobody reads it yet.
    unsafe { ptr::copy_nonoverlapping(path.as_ptr(), place, path.len()) };
    if !journal::open(place) {
        return false;
    }
    JOURNAL_PATH_LEN.store(path.len(), Ordering::Relaxed);
    let root = take_surroundings(rest);
    let is_patched = patch::patch_all();
    say_hello(program, if is_patched { Mode::Patched } else { Mode::Hooked }, root);
    !is_patched
}

/// Takes note of what the variable says of the surroundings, and returns the root directory.
fn take_surroundings(mut rest: &[u8]) -> &[u8] {
    let mut alias = 0_u32;
    let mut root: &[u8] = b"";
    while !rest.is_empty() {
        if let Some(path) = rest.strip_prefix(b"r=") {
            root = path;
            break;
        }
        let (field, after) = cut(rest, b';');
        if let Some(number) = field.strip_prefix(b"a=") {
            alias = number.iter().fold(0, |sum, digit| {
                sum.wrapping_mul(10_u32).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
            });
        } else if field == b"s" || field == b"f" {
            sandbox::inherit(field == b"s");
        }
        rest = after;
    }
    process::begin(alias);
    root
}

/// Splits at the first such byte.
fn cut(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == at) {
        Some(place) => (bytes.get(..place).unwrap_or(b""), bytes.get(place + 1..).unwrap_or(b"")),
        None => (bytes, b""),
    }
}

/// Returns the strings behind a pointer to pointers, of the vector that the kernel has made.
pub(crate) fn vector(mut at: *const *const u8) -> impl Iterator<Item = &'static [u8]> {
    core::iter::from_fn(move || {
        // SAFETY: the kernel's vectors end with a null pointer, and nobody has changed them yet.
        let string = unsafe { at.read() };
        if string.is_null() {
            return None;
        }
        // SAFETY: not behind the end.
        at = unsafe { at.add(1) };
        // SAFETY: a string of the kernel's.
        Some(unsafe { CStr::from_ptr(string.cast()) }.to_bytes())
    })
}

fn variable(program: Program, name: &[u8]) -> Option<&'static [u8]> {
    program.environment().find_map(|string| string.strip_prefix(name)?.strip_prefix(b"="))
}

/// Tells who is here.
fn say_hello(program: Program, mode: Mode, root: &[u8]) {
    if !root.is_empty()
        && let Some(mut draft) = Draft::new(Kind::Path, root.len())
    {
        let mut text = Text::new(&draft, 0);
        text.push(root);
        let len = text.len;
        draft.set_texts(len, 0);
        draft.seal(State::Done);
        names::set_root(draft.position);
    }
    // In a sandbox nothing is asked: who executed the program has told which it is.
    let may_ask = !sandbox::is_entered();
    let program_stamp = if may_ask { sys::stat_executable().unwrap_or_default() } else { Stamp::default() };
    let hello = names::draft(Kind::Hello, |draft| {
        let mut text = Text::new(draft, 0);
        if may_ask && text.push_executable(&program_stamp) == Name::Nameless {
            draft.flag(Flags::NAMELESS);
        }
        let mut given = Text::new(draft, text.whole()?);
        given.push(program.executed_path());
        draft.set_texts(text.len, given.whole()?);
        Ok(())
    });
    if let Ok(mut draft) = hello {
        draft.path_at(names::root());
        if may_ask {
            draft.stamp(&program_stamp);
            draft.value(u64::from(sys::parent()));
        }
        draft.value2(mode as u64);
        draft.seal(State::Done);
    }
    tell_arguments(program);
    // Where it cannot be told the record of the process lacks it, no more.
    if may_ask && let Ok(mut draft) = names::draft(Kind::Directory, names::tell_directory) {
        draft.seal(State::Done);
        names::know_directory(&draft);
    }
    tell_images();
    tell_loader(program);
}

/// Says what the loader does itself before anybody is there to see it, or has others do (ld.so(8), rtld-audit(7)).
fn tell_loader(program: Program) {
    let has = |name: &[u8]| variable(program, name).is_some_and(|value| !value.is_empty());
    if has(b"LD_AUDIT") {
        gaps::tell(
            Gap::RawCalls,
            b"auditors were loaded (LD_AUDIT), which have a C library of their own: what they did was not seen: use `--tracer ptrace`",
        );
    }
    if has(b"LD_PROFILE") || (has(b"LD_DEBUG_OUTPUT") && has(b"LD_DEBUG")) {
        gaps::tell(
            Gap::RawCalls,
            b"the loader writes files of its own (LD_DEBUG_OUTPUT, LD_PROFILE): which was not seen",
        );
    }
}

fn tell_arguments(program: Program) {
    let needed = program.arguments().map(|argument| argument.len() + 1).sum::<usize>();
    let Some(mut draft) = Draft::new(Kind::Arguments, needed.min(ARGUMENTS_MAX)) else { return };
    let mut text = Text::new(&draft, 0);
    for argument in program.arguments() {
        text.push(argument);
        text.push(b"\0");
    }
    let len = text.len;
    draft.set_texts(len, 0);
    draft.seal(State::Done);
}

fn tell_images() {
    let needed = program::images().map(|name| name.len() + 1).sum::<usize>();
    let loader = program::loader();
    let Some(mut draft) = Draft::new(Kind::Images, needed.min(IMAGES_MAX) + loader.len()) else { return };
    let mut text = Text::new(&draft, 0);
    for name in program::images() {
        text.push(name);
        text.push(b"\0");
    }
    let mut own = Text::new(&draft, text.len);
    own.push(loader);
    let lens = (text.len, own.len);
    draft.set_texts(lens.0, lens.1);
    draft.seal(State::Done);
}
