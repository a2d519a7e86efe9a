//! Hooks: the functions of libSystem, interposed by dyld.
//!
//! What a function does is said by the [table](table) that Linux has, too; the [list](symbols) says under which symbols macOS has it. All of
//! them are functions of libsystem_kernel, the library that makes the system calls: every other library of libSystem calls them through dyld,
//! so that what stdio does is seen as well.
//!
//! # Safety
//!
//! A replacement takes six numbers, as many as any of these functions does: what a register holds that the function does not ask for does it
//! no harm. Those that take a variable number of arguments are called as such. Pointers among the arguments go to the function alone, or were
//! looked at by the kernel.

#[macro_use]
#[path = "../hooks/table.rs"]
mod table;
#[path = "../hooks/body.rs"]
mod body;
mod clones;
mod flags;
mod spawn;
mod symbols;

use syscalls::Sysno;

use body::{Body, CHILD_SIGNAL, CWD, From, Gives};
use clones::Clone as Cloning;

use crate::calls::{self, Call, Pending};
use crate::gate::Way;
use crate::{exec, journal, sys};

macro_rules! define {
    ($($name:ident = $word:ident $(($($given:tt)+))?;)+) => {
        /// The lines of the table, by their names.
        #[expect(non_camel_case_types, reason = "the names are the C library's")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Id { $($name,)+ }

        const ROWS: &[(&str, Body)] = {
            use crate::descriptors::Side;
            use body::Arguments::*;
            use body::Body::*;
            use body::Gives::*;
            use body::Happened::*;
            use body::Named::*;
            use body::Stream::*;
            use body::*;
            &[$((stringify!($name), entry!($word $(($($given)+))?)),)+]
        };
    };
}

/// The first word of some lines is a function, of which the first argument is a number of a call or the name of a hook.
macro_rules! entry {
    (call ($number:ident, $($rest:tt)+)) => { call(Sysno::$number, $($rest)+) };
    (varied ($to:ident, $fixed:literal)) => { varied(Id::$to, $fixed) };
    ($word:ident $($given:tt)?) => { $word $($given)? };
}

hook_table!(define);

/// Returns what the table says of a function, when the library is compiled.
const fn tabled(name: &str) -> Deed {
    let name = name.as_bytes();
    let mut row = 0;
    while row < ROWS.len() {
        let known = ROWS[row].0.as_bytes();
        let mut at = 0;
        while at < known.len() && at < name.len() && known[at] == name[at] {
            at += 1;
        }
        if at == known.len() && at == name.len() {
            return Deed::Tabled(ROWS[row].1);
        }
        row += 1;
    }
    panic!("the table has no such function")
}

/// A function of libSystem.
type Function = unsafe extern "C" fn();

/// What calling a function comes to.
enum Deed {
    /// What the table says.
    Tabled(Body),
    /// A copy of a file.
    Clone(Cloning),
}

/// What is known of one hooked function.
struct Hook {
    deed: Deed,
    real: Function,
    /// How many arguments it has before those of a variable number; 0: it has no such.
    fixed: u8,
}

impl Hook {
    /// Calls the real function.
    fn call(&self, [a, b, c, d, e, f]: [usize; 6]) -> usize {
        type Fixed = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize;
        type AfterTwo = unsafe extern "C" fn(usize, usize, ...) -> usize;
        type AfterThree = unsafe extern "C" fn(usize, usize, usize, ...) -> usize;
        let real = &raw const self.real;
        match self.fixed {
            2 => {
                // SAFETY: a pointer to a function is one, whatever the function takes.
                let real = unsafe { real.cast::<AfterTwo>().read() };
                // SAFETY: the arguments are the program's.
                unsafe { real(a, b, c) }
            }
            3 => {
                // SAFETY: as above.
                let real = unsafe { real.cast::<AfterThree>().read() };
                // SAFETY: as above.
                unsafe { real(a, b, c, d) }
            }
            _ => {
                // SAFETY: as above.
                let real = unsafe { real.cast::<Fixed>().read() };
                // SAFETY: as above.
                unsafe { real(a, b, c, d, e, f) }
            }
        }
    }
}

/// Where all replacements come to: calls the real function, and tells what it did.
fn replace(hook: &Hook, args: [usize; 6]) -> usize {
    // Before the beginning not even `errno` may be there.
    if journal::head().is_none() {
        return hook.call(args);
    }
    match hook.deed {
        Deed::Tabled(Body::Call(number, from, gives)) => tell(hook, number, from, gives, args),
        Deed::Tabled(Body::Spawn(_)) => spawn::tell(hook, args),
        Deed::Tabled(_) => hook.call(args),
        Deed::Clone(clone) => clones::tell(hook, clone, args),
    }
}

/// Returns the arguments of the system call that a function is, with the numbers that Linux has for what they say.
fn arguments(number: Sysno, from: [From; 6], given: &[usize; 6]) -> [usize; 6] {
    // What waitpid(2) has to say of a child, SIGCHLD: the low byte of the flags of clone(2), which nobody looks at.
    const SIGCHLD: usize = 20;
    let mut args = from.map(|from| match from {
        CWD => sys::AT_FDCWD as usize,
        CHILD_SIGNAL => SIGCHLD,
        from => given.get(usize::from(from)).copied().unwrap_or(0),
    });
    flags::translate(number, &mut args);
    args
}

/// Calls a function that is a system call, and tells what it did.
fn tell(hook: &Hook, number: Sysno, from: [From; 6], gives: Gives, mut given: [usize; 6]) -> usize {
    let args = arguments(number, from, &given);
    let mut call = Call { number: number as usize, args };
    let mut pending = Pending::Nothing;
    let before = sys::error_number();
    let way = calls::enter(&mut call, &mut pending);
    sys::set_error_number(before);
    // What was put in the place of an argument goes to the function.
    for ((from, before), after) in from.iter().zip(args).zip(call.args) {
        if let Some(arg) = given.get_mut(usize::from(*from)).filter(|_| before != after) {
            *arg = after;
        }
    }
    let result = hook.call(given);
    if way == Way::Watched {
        let mut outcome = to_kernel(result, gives, sys::error_number());
        if let Pending::Exec(prepared) = &pending
            && outcome == sys::errno::E2BIG
        {
            outcome = exec::retry(prepared, &call);
        }
        let error = sys::error_number();
        calls::leave(&mut pending, outcome);
        sys::set_error_number(error);
    }
    result
}

/// Returns the result of a function as Linux's kernel would give it.
fn to_kernel(result: usize, gives: Gives, error: i32) -> isize {
    let result = match gives {
        Gives::Int => result as i32 as isize,
        Gives::Long => result as isize,
        Gives::Error => return -(result as i32 as isize),
    };
    if result == -1 { -(error.max(1) as isize) } else { result }
}
