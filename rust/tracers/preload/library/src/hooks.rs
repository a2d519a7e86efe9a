//! Hooks: the functions of the C library, for where its system calls cannot be made to pass through the gate.
//!
//! For each line of the [table] the library has a function of that name, which the loader finds before the C library's. It is
//! a jump to what its [`Slot`] holds; where that is nothing yet, to [`dispatch`]. If the C library is patched, the slot is given the
//! real function, and from then on the hook costs a jump; if not, `dispatch` tells what the function does, each time.
//!
//! # Safety
//!
//! Frames are on the stack below whoever has called a hook, and hold the arguments as the program gave them; what a pointer among them
//! points to is what the function itself would take for granted. Real functions come from the loader's own list, and are called with
//! the arguments of the program.

#[macro_use]
mod table;
mod body;
mod calls;
mod files;
mod images;
mod link;
mod programs;
mod spawns;
mod streams;
#[cfg(target_arch = "aarch64")]
#[path = "hooks/aarch64.rs"]
mod stub;
#[cfg(target_arch = "x86_64")]
#[path = "hooks/x86_64.rs"]
mod stub;

use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use syscalls::Sysno;

use body::{Body, Happened};
pub(crate) use stub::Frame;
use stub::VaList;

/// What is known of one hooked function.
#[repr(C)]
pub(crate) struct Slot {
    /// Where the hook jumps to; 0: to `dispatch`.
    code: AtomicUsize,
    /// The real function; 0: not looked up yet; 1: there is none.
    real: AtomicUsize,
}

/// There is no such function.
const NONE: usize = 1;

/// What hooks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    /// Nothing yet: the loader is not done, and nothing is to be remembered.
    Waiting = 0,
    /// Nothing, from now on.
    Aside = 1,
    /// They tell.
    Telling = 2,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Waiting as u8);

macro_rules! define {
    ($($name:ident = $word:ident $(($($given:tt)+))?;)+) => {
        /// The hooked functions, by their names.
        #[expect(non_camel_case_types, reason = "the names are the C library's")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Id { $($name,)+ }

        const COUNT: usize = [$(stringify!($name)),+].len();

        /// All names, each with its NUL.
        const NAMES: &str = concat!($(stringify!($name), "\0",)+);

        /// Where in [`NAMES`] each begins.
        static NAME_STARTS: [u16; COUNT] = {
            let mut starts = [0; COUNT];
            let lens = [$(stringify!($name).len()),+];
            let mut index = 1;
            while index < COUNT {
                starts[index] = starts[index - 1] + lens[index - 1] as u16 + 1;
                index += 1;
            }
            starts
        };

        static BODIES: [Body; COUNT] = {
            use body::Arguments::*;
            use body::Body::*;
            use body::Gives::*;
            use body::Happened::*;
            use body::Named::*;
            use body::Stream::*;
            use body::*;
            use crate::descriptors::Side;
            [$(entry!($word $(($($given)+))?),)+]
        };

        /// The functions themselves.
        mod exports {
            use super::{Id, SLOTS, stub};

            $(
                #[unsafe(naked)]
                // SAFETY: the name is the C library's, and so is all that the function does: it jumps there.
                #[unsafe(no_mangle)]
                extern "C" fn $name() {
                    stub::jump!(SLOTS, Id::$name)
                }
            )+
        }
    };
}

/// The first word of some lines is a function, of which the first argument is a number of a call or the name of a hook.
macro_rules! entry {
    (call ($number:ident, $($rest:tt)+)) => { call(Sysno::$number, $($rest)+) };
    (varied ($to:ident, $fixed:literal)) => { varied(Id::$to, $fixed) };
    ($word:ident $(($($given:tt)+))?) => { $word $(($($given)+))? };
}

hook_table!(define);

static SLOTS: [Slot; COUNT] =
    [const { Slot { code: AtomicUsize::new(0), real: AtomicUsize::new(0) } }; COUNT];

/// The C library is patched, or nothing is to be told: hooks step aside.
pub(crate) fn step_aside() {
    MODE.store(Mode::Aside as u8, Ordering::Relaxed);
}

/// Nothing else sees what the process does: hooks tell it.
pub(crate) fn begin() {
    images::begin();
    MODE.store(Mode::Telling as u8, Ordering::Relaxed);
}

impl Id {
    fn slot(self) -> &'static Slot {
        &SLOTS[self as usize]
    }

    fn body(self) -> Body {
        BODIES[self as usize]
    }

    fn name(self) -> &'static CStr {
        let start = usize::from(NAME_STARTS[self as usize]);
        let rest = NAMES.as_bytes().get(start..).unwrap_or(b"\0");
        CStr::from_bytes_until_nul(rest).unwrap_or(c"")
    }

    /// Returns the real function.
    fn real(self) -> Option<Real> {
        let slot = self.slot();
        let address = match slot.real.load(Ordering::Relaxed) {
            0 => {
                let found = link::find_function(self.name());
                // Before the loader is done a library may be missing that has it.
                if MODE.load(Ordering::Relaxed) != Mode::Waiting as u8 {
                    slot.real.store(found.unwrap_or(NONE), Ordering::Relaxed);
                }
                found?
            }
            NONE => return None,
            known => known,
        };
        Some(Real(address))
    }
}

/// A function of the C library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real(usize);

/// The arguments of most functions that are hooked: those in registers, and two more.
pub(crate) const ARGUMENTS: usize = 8;

impl Real {
    /// Calls it. More arguments than it has do it no harm.
    fn call(self, args: [usize; ARGUMENTS]) -> usize {
        type Function = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize, usize) -> usize;
        // SAFETY: an address of a function, whose arguments are numbers and pointers.
        let function: Function = unsafe { core::mem::transmute_copy(&self.0) };
        let [a, b, c, d, e, f, g, h] = args;
        // SAFETY: the arguments are the program's, or meant for this function.
        unsafe { function(a, b, c, d, e, f, g, h) }
    }
}

/// What is to become of a call of a hook.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// It was made: its result.
    Result(usize),
    /// It goes on in that function, with the arguments of the frame.
    Jump(Real),
}

/// Called by a hook whose slot holds nothing. Returns where to jump, or 0: the result is in the frame.
extern "C" fn dispatch(frame: &mut Frame) -> usize {
    let offset = frame.slot.wrapping_sub((&raw const SLOTS) as usize);
    let Some(id) = id_at(offset / size_of::<Slot>()) else { return 0 };
    let mode = MODE.load(Ordering::Relaxed);
    let outcome = if mode == Mode::Telling as u8 { tell(id, id.body(), frame) } else { pass(id, mode) };
    match outcome {
        Some(Outcome::Result(result)) => {
            frame.result = result;
            0
        }
        Some(Outcome::Jump(Real(address))) => address,
        None => {
            frame.result = missing(id.body(), frame);
            0
        }
    }
}

fn id_at(index: usize) -> Option<Id> {
    // SAFETY: numbers below the count are ids.
    (index < COUNT).then(|| unsafe { core::mem::transmute_copy(&(index as u16)) })
}

/// Steps aside.
fn pass(id: Id, mode: u8) -> Option<Outcome> {
    let real = id.real()?;
    if mode == Mode::Aside as u8 {
        id.slot().code.store(real.0, Ordering::Relaxed);
    }
    Some(Outcome::Jump(real))
}

/// Calls the real function, and tells what it did. `None`: there is none.
fn tell(id: Id, body: Body, frame: &mut Frame) -> Option<Outcome> {
    let result = match body {
        Body::Varied(to, fixed) => {
            let mut list = VaList::new(frame, usize::from(fixed));
            let mut frame = frame.clone_registers();
            frame.args[usize::from(fixed)] = (&raw mut list) as usize;
            return match tell(to, to.body(), &mut frame)? {
                Outcome::Result(result) => Some(Outcome::Result(result)),
                // What takes a list is called, for the list is here.
                Outcome::Jump(real) => Some(Outcome::Result(real.call(frame.all()))),
            };
        }
        Body::Vfork => return Some(programs::vfork()),
        Body::Libraries => {
            images::tell_new();
            return Some(Outcome::Jump(id.real()?));
        }
        Body::Namespace => {
            images::tell_new();
            images::tell_namespace(frame.args[0]);
            return Some(Outcome::Jump(id.real()?));
        }
        Body::Call(number, from, gives) => return calls::tell(id, number, from, gives, frame),
        Body::Syscall => return calls::tell_syscall(id, frame),
        Body::ReadStream(stream, happened) => streams::read(id.real()?, stream, happened, frame),
        Body::WriteStream(stream, happened) => streams::write(id.real()?, stream, happened, frame),
        Body::WriteDescriptor => streams::write_descriptor(id.real()?, frame),
        Body::Complaint => {
            streams::complain();
            return Some(Outcome::Jump(id.real()?));
        }
        Body::OpenStream => files::open_stream(id.real()?, frame),
        Body::ReopenStream => files::reopen_stream(id.real()?, frame),
        Body::TemporaryStream => files::temporary_stream(id.real()?, frame),
        Body::TemporaryFile => files::temporary_file(id.real()?, frame),
        Body::CloseStream | Body::CloseAllStreams | Body::CloseDirectory => {
            let real = id.real()?;
            files::forget(body, frame);
            return Some(Outcome::Jump(real));
        }
        Body::SharedMemory(is_removal) => files::shared_memory(id.real()?, is_removal, frame),
        Body::Aio(side) => files::aio(id.real()?, side, frame),
        Body::AioList => files::aio_list(id.real()?, frame),
        Body::Received(are_many) => files::received(id.real()?, are_many, frame),
        Body::Fresh => files::fresh(id.real()?, frame),
        Body::Exec(named, arguments) => programs::exec(id, named, arguments, frame)?,
        Body::Spawn(named) => spawns::spawn(id.real()?, named, frame),
        Body::SpawnOpen => spawns::add_open(id.real()?, frame),
        Body::SpawnForget => {
            spawns::forget(frame.args[0]);
            return Some(Outcome::Jump(id.real()?));
        }
        Body::Shell => programs::shell(id.real()?, frame),
        Body::Clone => return programs::clone(id.real()?, frame),
        Body::Daemon => programs::daemon(id.real()?, frame),
    };
    Some(Outcome::Result(result))
}

/// Does what there is no function for: the system call, if it is one; else it fails, as a function that the system does not have.
fn missing(body: Body, frame: &Frame) -> usize {
    if let Body::Call(number, from, gives) = body {
        return calls::make(number, from, gives, frame);
    }
    if matches!(body, Body::Spawn(_) | Body::SpawnOpen | Body::SpawnForget) {
        return ENOSYS as usize;
    }
    calls::set_errno(ENOSYS);
    let gives_nothing = matches!(
        body,
        Body::OpenStream
            | Body::ReopenStream
            | Body::TemporaryStream
            | Body::ReadStream(_, Happened::Pointer | Happened::Count)
            | Body::WriteStream(_, Happened::Pointer | Happened::Count)
    );
    if gives_nothing { 0 } else { usize::MAX }
}

/// "Function not implemented" (errno(3)).
const ENOSYS: i32 = 38;
