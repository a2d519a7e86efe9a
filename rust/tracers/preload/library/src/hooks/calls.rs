//! Functions that are a system call each, and syscall(2) itself.

use core::sync::atomic::{AtomicUsize, Ordering};

use syscalls::Sysno;

use super::body::{CHILD_SIGNAL, CREATING, CWD, EMPTY, From, Gives, MAX, OF_DESCRIPTOR};
use super::{Frame, Id, Outcome, Real, link};
use crate::calls::{self, Call, Pending};
use crate::gate::{self, Way};
use crate::{process, sys};

/// O_WRONLY, O_CREAT and O_TRUNC: what creat(3) is said to open with.
const CREAT: usize = 0o1101;

/// SIGCHLD.
const SIGCHLD: usize = 17;

/// Returns the arguments of the system call.
fn arguments(from: [From; 6], frame: &Frame) -> [usize; 6] {
    from.map(|from| match from {
        CWD => sys::AT_FDCWD as usize,
        CREATING => CREAT,
        MAX => u32::MAX as usize,
        EMPTY => c"".as_ptr() as usize,
        OF_DESCRIPTOR => 0x1000,
        CHILD_SIGNAL => SIGCHLD,
        from => frame.args.get(usize::from(from)).copied().unwrap_or(0),
    })
}

/// Returns whether there may be another thread: the C library knows (glibc from 2.32), or nobody does.
fn may_have_threads() -> bool {
    /// 0: not looked up yet; 1: there is no such variable.
    static VARIABLE: AtomicUsize = AtomicUsize::new(0);
    let mut address = VARIABLE.load(Ordering::Relaxed);
    if address == 0 {
        address = link::find_variable(c"__libc_single_threaded").unwrap_or(1);
        VARIABLE.store(address, Ordering::Relaxed);
    }
    // SAFETY: a `char` of the C library's, which it writes.
    address == 1 || unsafe { (address as *const u8).read_volatile() } == 0
}

/// Returns the place of `errno`.
fn errno_place() -> Option<*mut i32> {
    /// 0: not looked up yet.
    static FUNCTION: AtomicUsize = AtomicUsize::new(0);
    let mut address = FUNCTION.load(Ordering::Relaxed);
    if address == 0 {
        address = link::find_function(c"__errno_location")?;
        FUNCTION.store(address, Ordering::Relaxed);
    }
    Some(Real(address).call([0; super::ARGUMENTS]) as *mut i32)
}

/// Returns `errno`.
pub(super) fn errno() -> i32 {
    // SAFETY: the thread's own.
    errno_place().map_or(0, |place| unsafe { place.read() })
}

/// Sets `errno`.
pub(super) fn set_errno(value: i32) {
    if let Some(place) = errno_place() {
        // SAFETY: the thread's own.
        unsafe { place.write(value) };
    }
}

/// Returns the result of a function as the kernel would give it.
fn to_kernel(result: usize, gives: Gives) -> isize {
    let result = match gives {
        Gives::Int => result as i32 as isize,
        Gives::Long => result as isize,
        Gives::Error => return -(result as i32 as isize),
    };
    if result == -1 { -(errno().max(1) as isize) } else { result }
}

/// Returns a result of the kernel's as the function would give it.
fn from_kernel(result: isize, gives: Gives) -> usize {
    if !(-4095..0).contains(&result) {
        return if gives == Gives::Error { 0 } else { result as usize };
    }
    let error = -result as i32;
    if gives == Gives::Error {
        return error as usize;
    }
    set_errno(error);
    usize::MAX
}

/// Makes the system call where there is no function for it.
pub(super) fn make(number: Sysno, from: [From; 6], gives: Gives, frame: &Frame) -> usize {
    let [a, b, c, d, e, f] = arguments(from, frame);
    // SAFETY: the arguments are the program's, for the kernel.
    let result = unsafe { gate::raw(number as usize, a, b, c, d, e, f) };
    from_kernel(result, gives)
}

/// Calls a function that is a system call, and tells what it did.
pub(super) fn tell(
    id: Id,
    number: Sysno,
    from: [From; 6],
    gives: Gives,
    frame: &mut Frame,
) -> Option<Outcome> {
    if matches!(number, Sysno::execve | Sysno::execveat | Sysno::exit_group) {
        super::images::tell_new();
    }
    let args = arguments(from, frame);
    let mut call = Call { number: number as usize, args };
    let mut pending = Pending::Nothing;
    let has_threads = may_have_threads();
    if has_threads {
        process::has_gained_threads();
    }
    match calls::enter_cancellably(&mut call, &mut pending, has_threads) {
        Way::Through | Way::Outside => return Some(Outcome::Jump(id.real()?)),
        Way::Made => return Some(Outcome::Result(from_kernel(call.number as isize, gives))),
        Way::Watched => {}
    }
    // What was put in the place of an argument goes to the function.
    for ((from, before), after) in from.iter().zip(args).zip(call.args) {
        if let Some(arg) = frame.args.get_mut(usize::from(*from)).filter(|_| before != after) {
            *arg = after;
        }
    }
    let result = match id.real() {
        Some(real) => real.call(frame.all()),
        None => make(number, from, gives, frame),
    };
    calls::leave(&mut pending, to_kernel(result, gives));
    Some(Outcome::Result(result))
}

/// syscall(2).
pub(super) fn tell_syscall(id: Id, frame: &mut Frame) -> Option<Outcome> {
    let real = id.real()?;
    let all = frame.all();
    let [number, args @ .., _] = all;
    let mut call = Call { number, args };
    let mut pending = Pending::Nothing;
    match calls::enter(&mut call, &mut pending) {
        Way::Through | Way::Outside => return Some(Outcome::Jump(real)),
        Way::Made => return Some(Outcome::Result(from_kernel(call.number as isize, Gives::Long))),
        Way::Watched => {}
    }
    // A child with a stack of its own cannot come back to this one.
    if matches!(pending, Pending::Fork(..)) && has_stack(number, args) {
        return Some(Outcome::Jump(real));
    }
    let [a, b, c, d, e, f] = call.args;
    let result = real.call([number, a, b, c, d, e, f, 0]);
    calls::leave(&mut pending, to_kernel(result, Gives::Long));
    Some(Outcome::Result(result))
}

/// Returns whether a process is made that goes on with another stack.
fn has_stack(number: usize, args: [usize; 6]) -> bool {
    if number == Sysno::clone3 as usize {
        // `struct clone_args`, the sixth word (clone(2)).
        let mut word = [0; 8];
        return sys::peek(args[0].wrapping_add(40), &mut word) == word.len() && word != [0; 8];
    }
    number == Sysno::clone as usize && args[1] != 0
}
