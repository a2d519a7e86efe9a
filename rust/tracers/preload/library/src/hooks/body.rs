//! What calling a hooked function comes to: the words of the [table](super::table).

use syscalls::Sysno;

use super::Id;
use crate::descriptors::Side;

/// Where an argument of a system call comes from: a position among the function's arguments, or one of the constants below.
pub(crate) type From = u8;

pub(crate) const A: From = 0;
pub(crate) const B: From = 1;
pub(crate) const C: From = 2;
pub(crate) const D: From = 3;
pub(crate) const E: From = 4;
pub(crate) const F: From = 5;
/// Nothing, and zero.
pub(crate) const ZERO: From = 16;
/// `AT_FDCWD`.
pub(crate) const CWD: From = 17;
/// The flags of creat(3).
pub(crate) const CREATING: From = 18;
/// The highest number of a descriptor.
pub(crate) const MAX: From = 19;
/// The empty path.
pub(crate) const EMPTY: From = 20;
/// `AT_EMPTY_PATH`.
pub(crate) const OF_DESCRIPTOR: From = 21;
/// `SIGCHLD`, as the flags of clone(2).
pub(crate) const CHILD_SIGNAL: From = 22;

/// How a function says what became of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// An `int`: -1 for a failure, the reason in `errno`.
    Int,
    /// As wide as a pointer: likewise.
    Long,
    /// An `int`: the reason itself, 0 for success.
    Error,
}

/// Which stream a function is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// The one given as that argument.
    At(From),
    Stdin,
    Stdout,
}

/// By which result a function of a stream says that bytes went through it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened {
    /// Items, none for nothing: `size_t`.
    Count,
    /// A pointer that is not null.
    Pointer,
    /// An `int` that is not `EOF`.
    NotEnd,
    /// A signed number that is not negative, as wide as a pointer or not.
    NotNegative,
    /// An `int` greater than 0.
    Positive,
    /// An `int` that is 0.
    Success,
    /// An `int` that is not negative, and argument A is not the empty string.
    Text,
    /// The same, of wide characters.
    WideText,
}

/// How a program is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its path.
    Given,
    /// Looked for in `PATH`.
    Searched,
}

/// How arguments are given to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    Vector,
    VectorAndEnvironment,
    List,
    ListAndEnvironment,
}

/// What calling a function comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// That system call.
    Call(Sysno, [From; 6], Gives),
    /// A call of another function, which takes a `va_list` in place of what follows the first so many arguments.
    Varied(Id, u8),
    ReadStream(Stream, Happened),
    WriteStream(Stream, Happened),
    /// Something is written to descriptor A.
    WriteDescriptor,
    /// Something is written to the standard error.
    Complaint,
    OpenStream,
    ReopenStream,
    TemporaryStream,
    CloseStream,
    CloseAllStreams,
    CloseDirectory,
    TemporaryFile,
    /// shm_open(3), or if that shm_unlink(3).
    SharedMemory(bool),
    Aio(Side),
    AioList,
    /// Messages are received, with descriptors perhaps: one, or many.
    Received(bool),
    /// The result is a descriptor of which nothing is known.
    Fresh,
    Exec(Named, Arguments),
    Spawn(Named),
    SpawnOpen,
    SpawnForget,
    /// A shell is started with the environment of the process.
    Shell,
    Vfork,
    Clone,
    Daemon,
    /// Libraries come or go.
    Libraries,
    /// Libraries come, into namespace A: with a C library of their own, unless it is the program's.
    Namespace,
    Syscall,
}

/// Makes a [`Body::Call`].
pub(super) const fn call<const N: usize>(number: Sysno, args: [From; N], gives: Gives) -> Body {
    let mut all = [ZERO; 6];
    let mut index = 0;
    while index < N {
        all[index] = args[index];
        index += 1;
    }
    Body::Call(number, all, gives)
}

/// Makes a [`Body::Varied`].
pub(super) const fn varied(to: Id, fixed: u8) -> Body {
    Body::Varied(to, fixed)
}
