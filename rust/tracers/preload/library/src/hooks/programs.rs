//! Programs that are executed, and processes that are made, by functions that are more than a system call.

use core::mem::MaybeUninit;

use super::body::{Arguments, Named};
use super::{ARGUMENTS, Frame, Id, Outcome, Real};
use crate::journal::Draft;
use crate::names::{PATH_MAX, PathArgument};
use crate::process::{self, Making};
use crate::{exec, imports, sys};

/// Arguments of a list that fit on the stack; more are given room of their own.
const LIST_MAX: usize = 64;

/// Where programs are looked for without `PATH` (`confstr(_CS_PATH)`).
const USUAL: &[u8] = b"/bin:/usr/bin";

/// What executes a file that is no program.
const SHELL: &core::ffi::CStr = c"/bin/sh";

/// A path that was found.
pub(super) struct Found(MaybeUninit<[u8; PATH_MAX]>);

impl Found {
    pub(super) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Returns the path of the program that execvp(3) will execute.
    pub(super) fn search(&mut self, named: Named, name: usize) -> PathArgument {
        let given = PathArgument { pointer: name as *const u8 };
        if named == Named::Given {
            return given;
        }
        // SAFETY: the function that is called with it looks at it before the kernel does.
        let bytes = unsafe { core::ffi::CStr::from_ptr(name as *const _) }.to_bytes();
        if bytes.is_empty() {
            return given;
        }
        if bytes.contains(&b'/') {
            return self.judge(given);
        }
        let path = exec::variable(imports::environment() as usize, b"PATH").unwrap_or(USUAL);
        for directory in path.split(|byte| *byte == b':') {
            if self.write(directory, bytes) && is_program(self.pointer()) {
                return self.judge(PathArgument { pointer: self.pointer() });
            }
        }
        given
    }

    fn pointer(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }

    fn write(&mut self, directory: &[u8], name: &[u8]) -> bool {
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        if directory.len() + name.len() + 2 > PATH_MAX {
            return false;
        }
        let start = self.0.as_mut_ptr().cast::<u8>();
        let all = directory.iter().chain(separator).chain(name).chain(b"\0");
        for (index, byte) in all.enumerate() {
            // SAFETY: there is room, as was just seen.
            unsafe { start.wrapping_add(index).write(*byte) };
        }
        true
    }

    /// Returns what will be executed: for a file that is no program a shell.
    fn judge(&self, path: PathArgument) -> PathArgument {
        let fd = sys::open_at(sys::AT_FDCWD, path.pointer, sys::O_CLOEXEC);
        if fd < 0 {
            return path;
        }
        let mut head = [0; 2];
        let len = sys::read(fd as i32, &mut head);
        sys::close(fd as i32);
        let is_text = len >= 0 && head != *b"#!" && head != *b"\x7fE";
        if is_text && imports::is_glibc() { PathArgument { pointer: SHELL.as_ptr().cast() } } else { path }
    }
}

fn is_program(path: *const u8) -> bool {
    const S_IFMT: u32 = 0o170_000;
    const S_IFREG: u32 = 0o100_000;
    sys::stat_at(sys::AT_FDCWD, path)
        .is_ok_and(|found| found.mode & S_IFMT == S_IFREG && found.mode & 0o111 != 0)
}

/// The functions that execute a program, but for execve(2). `None`: the C library has no such function.
pub(super) fn exec(id: Id, named: Named, arguments: Arguments, frame: &Frame) -> Option<usize> {
    let has_environment =
        matches!(arguments, Arguments::VectorAndEnvironment | Arguments::ListAndEnvironment);
    if matches!(arguments, Arguments::Vector | Arguments::VectorAndEnvironment) {
        let [name, vector, environment, ..] = frame.args;
        let own = imports::environment() as usize;
        return execute(id, named, name, vector, if has_environment { environment } else { own });
    }
    let mut count = 0;
    while frame.arg(1 + count) != 0 {
        count += 1;
    }
    let environment = if has_environment { frame.arg(2 + count) } else { imports::environment() as usize };
    let mut place = [0; LIST_MAX];
    let bytes = (count + 1) * size_of::<usize>();
    let list = if count < LIST_MAX { place.as_mut_ptr() } else { sys::map_memory(bytes)?.cast() };
    for index in 0..=count {
        // SAFETY: there is room for all of them and the null pointer.
        unsafe { list.wrapping_add(index).write(frame.arg(1 + index)) };
    }
    let result = execute(id, named, frame.args[0], list as usize, environment);
    if count >= LIST_MAX {
        sys::unmap(list.cast(), bytes);
    }
    result
}

fn execute(id: Id, named: Named, name: usize, vector: usize, environment: usize) -> Option<usize> {
    let _ = id;
    // Of one that is looked for the C library makes the attempts.
    let real = match named {
        Named::Given => Id::execve.real()?,
        Named::Searched => Id::execvpe.real()?,
    };
    super::images::tell_new();
    let mut found = Found::new();
    let path = found.search(named, name);
    let prepared = exec::prepare(sys::AT_FDCWD, path, 0, vector, environment);
    let mut environment = environment;
    exec::adopt(&prepared, &mut environment);
    let result = real.call([name, vector, environment, 0, 0, 0, 0, 0]);
    if let Some(prepared) = prepared {
        exec::leave(prepared);
    }
    Some(result)
}

/// system(3) and popen(3), which start a shell with the environment of the process: where that was cleared, they are given another
/// meanwhile.
pub(super) fn shell(real: Real, frame: &Frame) -> usize {
    let place = imports::environment_place();
    // SAFETY: null, or the C library's variable.
    let Some(environ) = (unsafe { place.as_mut() }) else { return real.call(frame.all()) };
    let own = *environ;
    let Some(scratch) = exec::complete(own as usize) else { return real.call(frame.all()) };
    *environ = scratch.start() as *const *const u8;
    let result = real.call(frame.all());
    if *environ as usize == scratch.start() {
        *environ = own;
        exec::release(scratch);
    }
    result
}

/// The flags of a process that borrows the memory until it executes a program.
pub(super) const VFORK: u64 = process::clone::VM | process::clone::VFORK;

/// vfork(2): goes on where nothing of ours is on the stack.
pub(super) fn vfork() -> Outcome {
    // It is known what it says: the memory is borrowed.
    let _making = process::prepare_with(VFORK, false);
    Outcome::Jump(Real(super::stub::vfork as *const () as usize))
}

/// In the parent, when the child has executed a program or ended, or there is none.
pub(super) extern "C" fn after_vfork(result: isize) -> isize {
    process::after_clone(result);
    if result < 0 {
        super::calls::set_errno(-result as i32);
        return -1;
    }
    result
}

/// What a process made by clone(2) begins with.
struct Beginning {
    function: usize,
    argument: usize,
    draft: Option<Draft>,
    flags: u64,
}

/// clone(2): a function, its stack, flags, its argument, and three more.
pub(super) fn clone(real: Real, frame: &mut Frame) -> Option<Outcome> {
    let [function, _, flags, argument, ..] = frame.args;
    // The function runs on a stack of its own, but from here a copy of the memory can be told where it begins.
    match process::prepare_with(flags as u64, false) {
        Making::Thread => Some(Outcome::Jump(real)),
        Making::Elsewhere => {
            let result = real.call(frame.all());
            process::after_clone(result as i32 as isize);
            Some(Outcome::Result(result))
        }
        Making::Copy(draft, flags) => {
            let beginning = Beginning { function, argument, draft, flags };
            let mut args: [usize; ARGUMENTS] = frame.all();
            args[0] = begin_copy as *const () as usize;
            args[3] = (&raw const beginning) as usize;
            let result = real.call(args);
            process::made_copy(draft, flags, result as i32 as isize);
            Some(Outcome::Result(result))
        }
    }
}

/// In a process that clone(2) has made, with a copy of the memory.
extern "C" fn begin_copy(beginning: &Beginning) -> usize {
    let Beginning { function, argument, draft, flags } = beginning;
    process::made_copy(*draft, *flags, 0);
    let mut args = [0; ARGUMENTS];
    args[0] = *argument;
    Real(*function).call(args)
}

/// daemon(3): it comes back in a child.
pub(super) fn daemon(real: Real, frame: &Frame) -> usize {
    let Making::Copy(draft, flags) = process::prepare_with(0, false) else { return real.call(frame.all()) };
    let parent = sys::pid();
    let result = real.call(frame.all());
    let own = sys::pid();
    if own == parent {
        process::made_copy(draft, flags, -1);
        return result;
    }
    if let Some(draft) = draft {
        draft.value(u64::from(own));
        draft.finish(tracer_preload_journal::State::Done);
    }
    process::made_copy(draft, flags, 0);
    result
}
