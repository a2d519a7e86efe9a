//! Programs that are about to be executed: told beforehand, and sent on their way with the variables that bring the library along.

use core::sync::atomic::{AtomicUsize, Ordering};

use syscalls::Sysno;
use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::{Flags, Kind, State};

use crate::calls::Call;
use crate::decimal::Decimal;
use crate::env::{LIBRARY, SEPARATORS, TRACE};
use crate::journal::{self, Draft};
use crate::names::{self, PathArgument, Text};
use crate::strings::{Pages, Strings};
use crate::{gate, process, sandbox, start, sys};

/// An exec that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prepared {
    draft: Option<Draft>,
    /// The environment to give instead, if any.
    environment: Option<Scratch>,
    /// The environment that the program gives.
    given: usize,
}

/// Memory for an environment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scratch {
    address: *mut u8,
    len: usize,
}

impl Scratch {
    /// Returns where the environment begins.
    pub(crate) fn start(&self) -> usize {
        self.address as usize
    }
}

const PAGE: usize = 4096;

/// An execve(2), or an execveat(2), is about to happen. `None`: there is no journal, or it will fail.
pub(crate) fn prepare(
    dir: i32,
    path: PathArgument,
    flags: usize,
    arguments: usize,
    environment: usize,
) -> Option<Prepared> {
    let _ = arguments;
    let draft = told(dir, path, flags)?.map(|mut draft| {
        draft.seal(State::Begun);
        draft
    });
    Some(Prepared { draft, environment: complete(environment), given: environment })
}

/// Begins an entry for a program that will be executed, and does not seal it. `None`: there is no journal, or it will fail; `Some(None)`: it
/// cannot be told.
fn told(dir: i32, path: PathArgument, flags: usize) -> Option<Option<Draft>> {
    const AT_EMPTY_PATH: usize = 0x1000;
    journal::head()?;
    let is_descriptor =
        flags & AT_EMPTY_PATH != 0 && sys::stat_at(dir, path.pointer).is_err() && path.is_empty();
    let stamp = if is_descriptor { sys::stat_empty(dir) } else { sys::stat_at(dir, path.pointer) };
    let Ok(stamp) = stamp else { return None };
    let told = names::draft(Kind::Exec, |draft| {
        let mut name = Text::new(draft, 0);
        let is_named = if is_descriptor {
            names::write_open(dir, &stamp, &mut name).is_ok()
        } else {
            write_program(dir, path, &stamp, &mut name).is_ok()
        };
        // What cannot be named is told without a name.
        if !is_named {
            draft.flag(Flags::NAMELESS);
        }
        let mut given = Text::new(draft, name.whole()?);
        write_given(dir, path, &mut given);
        draft.set_texts(name.len, given.whole()?);
        Ok(())
    });
    Some(told.ok().inspect(|draft| {
        draft.stamp(&stamp).value(u64::from(is_descriptor)).path_at(names::root());
    }))
}

/// Writes the path of a program: of one that is named by a link, which may lead elsewhere when somebody else follows it later, where that
/// leads now.
fn write_program(dir: i32, path: PathArgument, stamp: &Stamp, out: &mut Text) -> Result<(), isize> {
    names::write_name(dir, path.bytes(), out)?;
    let is_itself =
        sys::lstat_at(dir, path.pointer).is_ok_and(|named| (named.dev, named.ino) == (stamp.dev, stamp.ino));
    if is_itself && !out.bytes().starts_with(b"/proc/") {
        return Ok(());
    }
    let opened = sys::open_at(dir, path.pointer, sys::O_PATH | sys::O_CLOEXEC);
    if opened < 0 {
        return Err(opened);
    }
    out.clear();
    let written = names::write_open(opened as i32, stamp, out);
    sys::close(opened as i32);
    written.map(|_name| ())
}

/// A program that is about to be executed in a process that is about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spawning {
    fork: Option<Draft>,
    exec: Option<Draft>,
    environment: Option<Scratch>,
}

/// A process is about to be made that executes a program. The entries stay unsealed until it is known which it is: what it
/// tells itself is read after them.
pub(crate) fn prepare_spawn(path: PathArgument, environment: usize) -> Spawning {
    let Some(exec) = told(sys::AT_FDCWD, path, 0) else {
        return Spawning { fork: None, exec: None, environment: None };
    };
    Spawning { fork: Draft::new(Kind::Fork, 0), exec, environment: complete(environment) }
}

/// Puts the environment in the place of the program's, if one was made.
pub(crate) fn adopt_spawn(spawning: &Spawning, environment: &mut usize) {
    if let Some(scratch) = &spawning.environment {
        *environment = scratch.start();
    }
}

/// It was made and is called that, or with 0 it was not.
pub(crate) fn leave_spawn(spawning: Spawning, child: u32) {
    let Spawning { fork, exec, environment } = spawning;
    let state = if child == 0 { State::Void } else { State::Done };
    if let Some(mut fork) = fork {
        fork.value(child.into());
        fork.seal(state);
    }
    if let Some(mut exec) = exec {
        exec.pid(child);
        exec.seal(if child == 0 { State::Void } else { State::Begun });
    }
    if let Some(scratch) = environment {
        release(scratch);
    }
}

/// Writes the path as the new program will find it (AT_EXECFN): as given, or by way of the directory descriptor (execveat(2)).
fn write_given(dir: i32, path: PathArgument, out: &mut Text) {
    let bytes = path.bytes();
    if dir != sys::AT_FDCWD && bytes.first() != Some(&b'/') {
        out.push(b"/dev/fd/");
        out.push_number(dir);
        if !bytes.is_empty() {
            out.push(b"/");
        }
    }
    out.push(bytes);
}

/// Puts the environment in the place of the program's, if one was made.
pub(crate) fn adopt(prepared: &Option<Prepared>, environment: &mut usize) {
    if let Some(Prepared { environment: Some(scratch), .. }) = prepared {
        *environment = scratch.address as usize;
    }
}

/// It has failed, for the program is given more than it may be: what was added is taken away again. The program is not seen
/// then, which is a gap. Returns only if it fails once more, with the error.
pub(crate) fn retry(prepared: &Prepared, call: &Call) -> isize {
    let Prepared { environment: Some(scratch), given, .. } = prepared else {
        return sys::errno::E2BIG;
    };
    let added = scratch.address as usize;
    let number = if call.args[2] == added { Sysno::execve } else { Sysno::execveat };
    sys::execute(number, call.args.map(|argument| if argument == added { *given } else { argument }))
}

/// It has failed.
pub(crate) fn leave(prepared: Prepared) {
    let Prepared { draft, environment, .. } = prepared;
    if let Some(draft) = draft {
        draft.finish(State::Void);
    }
    if let Some(scratch) = environment {
        release(scratch);
    }
}

/// What an environment says of the variables that bring the library along.
#[derive(Default)]
struct Found {
    strings: usize,
    /// The value of [`LIBRARY`].
    library: Option<&'static [u8]>,
    /// The value of our own variable.
    trace: Option<&'static [u8]>,
}

impl Found {
    /// Looks through an environment. `None`: it leads to an address where nothing is, which is for the kernel to say.
    fn look(environment: usize, pages: &mut Pages) -> Option<Self> {
        let mut found = Self::default();
        for string in Strings::new(environment, pages) {
            let bytes = string?;
            found.strings += 1;
            // Of two with that name loaders take the last (glibc, elf/rtld.c, `process_envvars`; musl, ldso/dynlink.c).
            found.library = value(bytes, LIBRARY).or(found.library);
            found.trace = found.trace.or(value(bytes, TRACE));
        }
        Some(found)
    }

    /// Returns whether another roar traces what is executed: a run within a run has its own journal.
    fn is_of_another(&self, journal: &[u8]) -> bool {
        self.trace.is_some_and(|value| !value.is_empty() && !value.starts_with(journal))
    }
}

/// Returns the value of a variable in an environment.
pub(crate) fn variable(environment: usize, name: &[u8]) -> Option<&'static [u8]> {
    let mut pages = Pages::default();
    Strings::new(environment, &mut pages).flatten().find_map(|string| value(string, name))
}

fn value<'a>(string: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    string.strip_prefix(name)?.strip_prefix(b"=")
}

fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| SEPARATORS.contains(byte)).filter(|part| !part.is_empty())
}

/// What a program must be told beside the name of the journal.
struct Surroundings {
    alias: u32,
    has_filter: bool,
    is_in_sandbox: bool,
    root: &'static [u8],
}

impl Surroundings {
    fn now() -> Self {
        let root = journal::text_at(names::root()).unwrap_or(b"");
        Self {
            alias: process::alias(),
            has_filter: sandbox::has_filter(),
            is_in_sandbox: sandbox::is_entered(),
            root,
        }
    }

    fn are_usual(&self) -> bool {
        self.alias == 0 && !self.has_filter && self.root.is_empty()
    }
}

/// Returns an environment that brings the library along, if the program's does not: without the program's knowledge where it was
/// cleared.
pub(crate) fn complete(environment: usize) -> Option<Scratch> {
    let mut pages = Pages::default();
    let library = start::library_path()?;
    let journal = start::journal_path()?;
    let found = Found::look(environment, &mut pages)?;
    if found.is_of_another(journal) {
        return None;
    }
    let surroundings = Surroundings::now();
    let is_loaded = found.library.is_some_and(|value| parts(value).any(|part| part == library));
    // Where the library cannot be found (another root directory, something mounted over it), the loader would say so on the program's
    // standard error.
    let is_there = sandbox::is_entered() || sys::stat_at(sys::AT_FDCWD, library.as_ptr()).is_ok();
    if surroundings.are_usual() && is_loaded == is_there && found.trace == Some(journal) {
        return None;
    }
    let user = found.library.unwrap_or(b"");
    let text = LIBRARY.len()
        + library.len()
        + user.len()
        + TRACE.len()
        + journal.len()
        + surroundings.root.len()
        + 64;
    let len = ((found.strings + 3) * size_of::<usize>() + text).next_multiple_of(PAGE);
    let scratch = take(len)?;
    let library = if is_there { library } else { b"" };
    fill(&scratch, Strings::new(environment, &mut pages), &found, library, journal, &surroundings);
    Some(scratch)
}

/// Text that is written behind the pointers of an environment.
struct Writer(*mut u8);

impl Writer {
    /// Writes bytes, and returns where.
    fn write(&mut self, bytes: &[u8]) -> *const u8 {
        let start = self.0.cast_const();
        // SAFETY: `complete` has made room for all that is written.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0, bytes.len()) };
        // SAFETY: as above.
        self.0 = unsafe { self.0.add(bytes.len()) };
        start
    }
}

fn fill(
    scratch: &Scratch,
    strings: Strings<'_>,
    found: &Found,
    library: &'static [u8],
    journal: &[u8],
    surroundings: &Surroundings,
) {
    let pointers = scratch.address.cast::<*const u8>();
    let mut index = 0;
    let mut put = |pointer: *const u8| {
        // SAFETY: there is room for every string and three more pointers.
        unsafe { pointers.wrapping_add(index).write(pointer) };
        index += 1;
    };
    // As many as there were: another thread may add to them.
    for bytes in strings.flatten().take(found.strings) {
        if value(bytes, LIBRARY).is_none() && value(bytes, TRACE).is_none() {
            put(bytes.as_ptr());
        }
    }
    // SAFETY: within the memory, behind the pointers.
    let mut writer = Writer(unsafe { scratch.address.add((found.strings + 3) * size_of::<usize>()) });
    let preload = writer.write(LIBRARY);
    let mut separator: &[u8] = b"=";
    let own = start::library_path().unwrap_or(b"");
    let others = parts(found.library.unwrap_or(b"")).filter(|part| *part != own);
    for part in Some(library).into_iter().filter(|part| !part.is_empty()).chain(others) {
        writer.write(separator);
        writer.write(part);
        separator = b":";
    }
    writer.write(b"\0");
    if separator == b":" {
        put(preload);
    }
    put(writer.write(TRACE));
    writer.write(b"=");
    writer.write(journal);
    if surroundings.alias != 0 {
        writer.write(b";a=");
        writer.write(Decimal::new(surroundings.alias).bytes());
    }
    if surroundings.has_filter {
        writer.write(if surroundings.is_in_sandbox { b";s" } else { b";f" });
    }
    if !surroundings.root.is_empty() {
        writer.write(b";r=");
        writer.write(surroundings.root);
    }
    writer.write(b"\0");
    put(core::ptr::null());
}

/// Memory that was taken by a thread and may not have been given back: a child that shared it has executed its program. While the
/// child has it, the thread stands still; when the thread comes here again, it is free.
struct Lent {
    thread: AtomicUsize,
    address: AtomicUsize,
    len: AtomicUsize,
}

/// Threads that make children that share their memory are few at a time.
const LENT_MAX: usize = 64;

static LENT: [Lent; LENT_MAX] =
    [const { Lent { thread: AtomicUsize::new(0), address: AtomicUsize::new(0), len: AtomicUsize::new(0) } };
        LENT_MAX];

fn take(len: usize) -> Option<Scratch> {
    let thread = gate::thread();
    for lent in &LENT {
        let owner = lent.thread.load(Ordering::Relaxed);
        let is_ours = owner == thread
            || (owner == 0
                && lent.thread.compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok());
        if !is_ours {
            continue;
        }
        let known = lent.address.load(Ordering::Relaxed);
        let known_len = lent.len.load(Ordering::Relaxed);
        if known != 0 && known_len >= len {
            return Some(Scratch { address: known as *mut u8, len: known_len });
        }
        if known != 0 {
            sys::unmap(known as *mut u8, known_len);
        }
        let address = sys::map_memory(len)?;
        lent.address.store(address as usize, Ordering::Relaxed);
        lent.len.store(len, Ordering::Relaxed);
        return Some(Scratch { address, len });
    }
    sys::map_memory(len).map(|address| Scratch { address, len })
}

/// Gives back the memory of an environment that nobody uses any more.
pub(crate) fn release(scratch: Scratch) {
    // What a thread has taken once it keeps for the next time.
    if !LENT.iter().any(|lent| lent.address.load(Ordering::Relaxed) == scratch.address as usize) {
        sys::unmap(scratch.address, scratch.len);
    }
}
