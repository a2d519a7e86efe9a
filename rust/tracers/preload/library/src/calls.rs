//! The system calls: what each is about to do ([`enter`]) and what it did ([`leave`]).
//!
//! What changes a file or a name takes its place in the journal before it happens, with the file as it was; what observes one, after.
//! A call that fails is told of as void, or not at all.

use syscalls::Sysno;
use tracer_syscalls::constants::{MAP_ANONYMOUS, O_CREAT, O_EXCL, O_TMPFILE, O_TRUNC};
use tracer_syscalls::{Arch, Effect, LOOKUPS, OpenFlags, PathAt, ROWS, When};

use crate::descriptors;
use crate::gate::Way;
use crate::journal::{self, Draft};
use crate::names::{self, PathArgument};
use crate::opens::Opening;
use crate::{
    aio, changes, exec, gaps, lookups, maps, opens, process, regions, rings, sandbox, sys, transfers,
};

/// A call: its number and arguments. The gate lays it out like this.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Call {
    /// The number; after the call, its result.
    pub(crate) number: usize,
    /// The arguments.
    pub(crate) args: [usize; 6],
}

impl Call {
    fn fd(&self, position: u8) -> i32 {
        self.arg(position) as i32
    }

    fn arg(&self, position: u8) -> usize {
        self.args.get(usize::from(position)).copied().unwrap_or(0)
    }

    fn path(&self, at: PathAt) -> (i32, PathArgument) {
        let dir = at.dir.map_or(sys::AT_FDCWD, |dir| self.fd(dir));
        (dir, PathArgument { pointer: self.arg(at.path) as *const u8 })
    }
}

/// What is to be done when a call has been made.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) enum Pending {
    /// Nothing.
    Nothing,
    /// A transfer.
    Transfer(transfers::Transfer),
    /// An open.
    Open(Opening),
    /// A change of something by name or descriptor, which has its place.
    Change(Draft),
    /// A name that is taken away from its file.
    Remove(Draft, i32, usize),
    /// A new name of which the stamp is taken afterwards.
    Make(Draft, i32, usize),
    /// A path that is looked for: the directory that it starts from, and where it is.
    Look(i32, usize),
    /// A directory that is listed.
    List(i32),
    /// A mapping.
    Map(maps::Mapping),
    /// Memory made writable.
    Protect(usize, usize),
    /// A duplicate of the descriptor.
    Duplicate(i32),
    /// A process with a copy of the memory: its flags.
    Fork(Option<Draft>, u64),
    /// An exec that fails if it comes back.
    Exec(exec::Prepared),
    /// The working directory, if it succeeds.
    Directory,
    /// The root directory: the entry with the path of what it will be, and whether that path can be known.
    Root(u64, bool),
    /// A child waited for: where its status is.
    Wait(usize),
    /// A child waited for: where its siginfo_t is.
    WaitId(usize),
    /// Asynchronous reads and writes.
    Aio(aio::Batch),
    /// A ring that is made: where its parameters are.
    Ring(usize),
    /// A part of a ring that is mapped: its descriptor, and which.
    RingMap(i32, usize),
}

/// Calls that are no effects on files, and yet matter.
#[derive(Clone, Copy)]
enum Act {
    Close,
    CloseRange,
    Duplicate,
    DuplicateTo,
    Fcntl,
    Chdir,
    Chroot,
    Exec,
    ExecAt,
    Exit,
    Wait,
    WaitId,
    Process,
    Unshare,
    SetNamespace,
    Prctl,
    Seccomp,
    Open,
    OpenAt,
    OpenHandle,
}

const ACTS: &[(Sysno, Act)] = &[
    (Sysno::close, Act::Close),
    (Sysno::close_range, Act::CloseRange),
    (Sysno::dup, Act::Duplicate),
    #[cfg(target_arch = "x86_64")]
    (Sysno::dup2, Act::DuplicateTo),
    (Sysno::dup3, Act::DuplicateTo),
    (Sysno::fcntl, Act::Fcntl),
    (Sysno::chdir, Act::Chdir),
    (Sysno::fchdir, Act::Chdir),
    (Sysno::chroot, Act::Chroot),
    (Sysno::execve, Act::Exec),
    (Sysno::execveat, Act::ExecAt),
    (Sysno::exit_group, Act::Exit),
    (Sysno::wait4, Act::Wait),
    (Sysno::waitid, Act::WaitId),
    #[cfg(target_arch = "x86_64")]
    (Sysno::fork, Act::Process),
    #[cfg(target_arch = "x86_64")]
    (Sysno::vfork, Act::Process),
    (Sysno::clone, Act::Process),
    (Sysno::clone3, Act::Process),
    (Sysno::unshare, Act::Unshare),
    (Sysno::setns, Act::SetNamespace),
    (Sysno::prctl, Act::Prctl),
    (Sysno::seccomp, Act::Seccomp),
    #[cfg(target_arch = "x86_64")]
    (Sysno::open, Act::Open),
    (Sysno::openat, Act::OpenAt),
    (Sysno::open_by_handle_at, Act::OpenHandle),
];

/// Numbers of calls end below this (462 at the time of Linux 6.12).
const NUMBERS_END: usize = 512;

/// In [`TABLE`]: a number that does not matter.
const NOTHING: u8 = 0;
/// In [`TABLE`]: from here on, one more than a position in [`ACTS`].
const FIRST_ACT: u8 = 128;

#[cfg(target_arch = "x86_64")]
const HERE: Arch = Arch::X86_64;
#[cfg(target_arch = "aarch64")]
const HERE: Arch = Arch::Aarch64;

/// For each number what is to be done: one more than a position in `ROWS` and behind these in `LOOKUPS`, or [`FIRST_ACT`] and a position in `ACTS`.
static TABLE: [u8; NUMBERS_END] = {
    let mut table = [NOTHING; NUMBERS_END];
    let mut row = 0;
    while row < ROWS.len() {
        if let Some(number) = ROWS[row].number(HERE) {
            table[number as usize] = row as u8 + 1;
        }
        row += 1;
    }
    let mut row = 0;
    while row < LOOKUPS.len() {
        if let Some(number) = LOOKUPS[row].number(HERE) {
            table[number as usize] = (ROWS.len() + row) as u8 + 1;
        }
        row += 1;
    }
    let mut act = 0;
    while act < ACTS.len() {
        table[ACTS[act].0 as usize] = FIRST_ACT + act as u8;
        act += 1;
    }
    table
};

const _: () = assert!(ROWS.len() + LOOKUPS.len() < FIRST_ACT as usize - 1);

/// From the gate: a call is about to be made.
pub(crate) extern "C" fn enter_from_gate(call: &mut Call, pending: &mut Pending) -> u32 {
    *pending = Pending::Nothing;
    enter(call, pending) as u32
}

/// From the gate: the call was made, and is to be told of. `call.number` is its result.
pub(crate) extern "C" fn leave_from_gate(call: &mut Call, pending: &mut Pending) {
    if let Pending::Exec(prepared) = pending
        && call.number as isize == sys::errno::E2BIG
    {
        call.number = exec::retry(prepared, call) as usize;
    }
    let result = call.number as isize;
    leave(pending, result);
}

/// Looks at a call before it is made, of which the thread can be relieved (pthread_cancel(3)): where there is another that may ask for that,
/// the call is never made here.
pub(crate) fn enter_cancellably(call: &mut Call, pending: &mut Pending, has_threads: bool) -> Way {
    let opened = match Sysno::new(call.number) {
        Some(Sysno::openat) => Some((call.fd(0), call.arg(1), call.arg(2))),
        #[cfg(target_arch = "x86_64")]
        Some(Sysno::open) => Some((sys::AT_FDCWD, call.arg(0), call.arg(1))),
        #[cfg(target_arch = "x86_64")]
        Some(Sysno::creat) => Some((sys::AT_FDCWD, call.arg(0), (O_CREAT | O_TRUNC) as usize)),
        _ => None,
    };
    let is_made_there = has_threads && journal::head().is_some() && !sandbox::is_entered();
    match opened.filter(|_| is_made_there) {
        Some((dir, path, flags)) => {
            let path = PathArgument { pointer: path as *const u8 };
            *pending = Pending::Open(opens::prepare_as_asked(dir, path, flags as u32 as u64));
            Way::Watched
        }
        None => enter(call, pending),
    }
}

/// From the gate of cancellable calls: one is about to be made.
#[cfg(target_arch = "x86_64")]
pub(crate) extern "C" fn enter_cancellable(call: &mut Call, pending: &mut Pending) -> u32 {
    *pending = Pending::Nothing;
    let way = enter_cancellably(call, pending, process::has_threads());
    // No call that makes a process can be cancelled.
    (if way == Way::Outside { Way::Through } else { way }) as u32
}

/// Looks at a call before it is made.
pub(crate) fn enter(call: &mut Call, pending: &mut Pending) -> Way {
    let entry = TABLE.get(call.number).copied().unwrap_or(NOTHING);
    if entry == NOTHING || journal::head().is_none() {
        return Way::Through;
    }
    if let Some((_, act)) = entry.checked_sub(FIRST_ACT).and_then(|act| ACTS.get(usize::from(act))) {
        return enter_act(*act, call, pending);
    }
    let place = usize::from(entry) - 1;
    match ROWS.get(place).or_else(|| LOOKUPS.get(place.wrapping_sub(ROWS.len()))) {
        Some(row) => enter_effect(&row.effect, &row.when, call, pending),
        None => Way::Through,
    }
}

fn watched(pending: &mut Pending, with: Option<Pending>) -> Way {
    match with {
        Some(with) => {
            *pending = with;
            Way::Watched
        }
        None => Way::Through,
    }
}

fn enter_act(act: Act, call: &mut Call, pending: &mut Pending) -> Way {
    let fd = call.fd(0);
    match act {
        Act::Close => {
            descriptors::forget(fd);
            Way::Through
        }
        Act::CloseRange => {
            close_range(call);
            Way::Through
        }
        Act::Duplicate => watched(pending, Some(Pending::Duplicate(fd))),
        Act::DuplicateTo if fd == call.fd(1) => Way::Through,
        Act::DuplicateTo => watched(pending, Some(Pending::Duplicate(fd))),
        Act::Fcntl => {
            // F_DUPFD and F_DUPFD_CLOEXEC (include/uapi/linux/fcntl.h).
            let duplicates = matches!(call.args[1] as u32, 0 | 1030);
            watched(pending, duplicates.then_some(Pending::Duplicate(fd)))
        }
        Act::Chdir => watched(pending, Some(Pending::Directory)),
        Act::Chroot => {
            let path = PathArgument { pointer: call.args[0] as *const u8 };
            let is_known = names::root() != 0 || sys::is_root_mounted();
            watched(pending, Some(Pending::Root(changes::tell_directory_named(path), is_known)))
        }
        Act::Exec => {
            let [path, arguments, environment, ..] = call.args;
            let path = PathArgument { pointer: path as *const u8 };
            let prepared = exec::prepare(sys::AT_FDCWD, path, 0, arguments, environment);
            exec::adopt(&prepared, &mut call.args[2]);
            let missing = Pending::Look(sys::AT_FDCWD, path.pointer as usize);
            watched(pending, Some(prepared.map_or(missing, Pending::Exec)))
        }
        Act::ExecAt => {
            let [_, path, arguments, environment, flags, _] = call.args;
            let path = PathArgument { pointer: path as *const u8 };
            let prepared = exec::prepare(fd, path, flags, arguments, environment);
            exec::adopt(&prepared, &mut call.args[3]);
            let missing = Pending::Look(fd, path.pointer as usize);
            watched(pending, Some(prepared.map_or(missing, Pending::Exec)))
        }
        Act::Exit => {
            process::tell_exit(call.args[0]);
            Way::Through
        }
        Act::Wait => watched(pending, (call.args[1] != 0).then_some(Pending::Wait(call.args[1]))),
        Act::WaitId => watched(pending, (call.args[2] != 0).then_some(Pending::WaitId(call.args[2]))),
        Act::Process => match process::prepare(call) {
            process::Making::Thread | process::Making::Elsewhere => Way::Outside,
            process::Making::Copy(draft, flags) => watched(pending, Some(Pending::Fork(draft, flags))),
        },
        Act::Unshare => {
            changes::unshare(call.args[0] as u64);
            Way::Through
        }
        Act::SetNamespace => {
            changes::enter_namespace();
            Way::Through
        }
        Act::Prctl | Act::Seccomp => {
            sandbox::prepare(call);
            Way::Through
        }
        #[cfg(target_arch = "x86_64")]
        Act::Open => {
            let [path, flags, mode, ..] = call.args;
            let path = PathArgument { pointer: path as *const u8 };
            enter_open(call, pending, sys::AT_FDCWD, path, flags as u32 as u64, mode)
        }
        #[cfg(not(target_arch = "x86_64"))]
        Act::Open => Way::Through,
        Act::OpenAt => {
            let [_, path, flags, mode, ..] = call.args;
            let path = PathArgument { pointer: path as *const u8 };
            enter_open(call, pending, fd, path, flags as u32 as u64, mode)
        }
        Act::OpenHandle => {
            let flags = call.args[2] as u32 as u64;
            watched(pending, Some(Pending::Open(opens::by_handle(flags))))
        }
    }
}

fn close_range(call: &Call) {
    const UNSHARE: usize = 2;
    const CLOEXEC: usize = 4;
    let [first, last, flags, ..] = call.args;
    if flags & UNSHARE != 0 {
        changes::unshare_files();
    }
    if flags & CLOEXEC == 0 {
        descriptors::forget_range(first as u32, last as u32);
    }
}

fn enter_open(
    call: &mut Call,
    pending: &mut Pending,
    dir: i32,
    path: PathArgument,
    flags: u64,
    mode: usize,
) -> Way {
    if cfg!(target_os = "macos") {
        // The hook makes the call, with flags that have no number here.
        *pending = Pending::Open(opens::prepare_as_asked(dir, path, flags));
        return Way::Watched;
    }
    let is_new = flags & O_TMPFILE != 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
    if is_new || flags & (O_CREAT | O_TRUNC) != 0 {
        if let Some(opening) = opens::prepare(dir, path, flags, is_new) {
            match opens::make(opening, dir, path, mode) {
                Ok(result) => {
                    call.number = result as usize;
                    return Way::Made;
                }
                Err(opening) => {
                    *pending = Pending::Open(opening);
                    return Way::Watched;
                }
            }
        }
        if is_new {
            return Way::Through;
        }
    }
    // What is left creates and empties nothing: the kernel may be asked to take no link on the way.
    if sandbox::is_entered() {
        *pending = Pending::Open(opens::observe(dir, path));
        return Way::Watched;
    }
    if let Some(result) = opens::open_straight(dir, path, flags, mode) {
        call.number = result as usize;
        return Way::Made;
    }
    *pending = Pending::Open(opens::unresolved_at(dir, path));
    Way::Watched
}

fn enter_effect(effect: &Effect, when: &When, call: &mut Call, pending: &mut Pending) -> Way {
    let args = call.args.map(|argument| argument as u64);
    if !when.holds(&args) {
        return Way::Through;
    }
    let made = match *effect {
        Effect::Read { fd } => transfers::prepare(Some(call.fd(fd)), None).map(Pending::Transfer),
        Effect::Write { fd } => transfers::prepare(None, Some(call.fd(fd))).map(Pending::Transfer),
        Effect::Copy { from, to } => {
            transfers::prepare(Some(call.fd(from)), Some(call.fd(to))).map(Pending::Transfer)
        }
        Effect::Clone { to, request, source } => {
            transfers::prepare_clone(call.fd(to), call.arg(request) as u32, call.arg(source))
                .map(Pending::Transfer)
        }
        Effect::Open { at, flags } => {
            let (dir, path) = call.path(at);
            let (flags, mode) = match flags {
                OpenFlags::Arg(position) => (call.arg(position) as u32 as u64, 0),
                OpenFlags::Fixed(flags) => (flags, 0),
                OpenFlags::How(position) => match opens::how(call.arg(position)) {
                    Some(flags) => (flags, 0),
                    None => return Way::Through,
                },
            };
            if matches!(call.number, number if number == Sysno::openat2 as usize) {
                *pending = Pending::Open(opens::prepare_as_asked(dir, path, flags));
                return Way::Watched;
            }
            return enter_open(call, pending, dir, path, flags, mode);
        }
        Effect::Map { fd, .. } if rings::is_ring(call.fd(fd)) => {
            Some(Pending::RingMap(call.fd(fd), call.arg(5)))
        }
        Effect::Map { fd, prot, flags } => {
            maps::prepare(call.fd(fd), call.arg(prot) as u64, call.arg(flags) as u64).map(Pending::Map)
        }
        Effect::Protect { address, length } => {
            maps::has_shared().then(|| Pending::Protect(call.arg(address), call.arg(length)))
        }
        Effect::Truncate { at, length } => {
            let (dir, path) = call.path(at);
            changes::truncate(dir, path, call.arg(length.0) as u64).map(Pending::Change)
        }
        Effect::TruncateFd { fd, length } => {
            changes::resize(call.fd(fd), Some(call.arg(length.0) as u64)).map(Pending::Change)
        }
        Effect::Allocate { fd } => changes::resize(call.fd(fd), None).map(Pending::Change),
        Effect::Rename { from, to, flags } => {
            let flags = flags.map_or(0, |flags| call.arg(flags));
            let (dir, path) = call.path(from);
            changes::rename((dir, path), call.path(to), flags as u64)
                .map(|draft| Pending::Remove(draft, dir, path.pointer as usize))
        }
        Effect::Link { from, to, flags } => {
            let flags = flags.map_or(0, |flags| call.arg(flags));
            changes::link(call.path(from), call.path(to), flags as u64).map(Pending::Change)
        }
        Effect::Symlink { target, at } => {
            let (dir, path) = call.path(at);
            changes::symlink(call.arg(target), dir, path)
                .map(|draft| Pending::Make(draft, dir, path.pointer as usize))
        }
        Effect::Mknod { at } => {
            let (dir, path) = call.path(at);
            changes::create(dir, path).map(|draft| Pending::Make(draft, dir, path.pointer as usize))
        }
        Effect::Unlink { at } => {
            let (dir, path) = call.path(at);
            changes::unlink(dir, path).map(|draft| Pending::Remove(draft, dir, path.pointer as usize))
        }
        Effect::AioSubmit { count, blocks } => {
            aio::prepare(call.args[0], call.arg(count), call.arg(blocks)).map(Pending::Aio)
        }
        Effect::RingSetup { params } => Some(Pending::Ring(call.arg(params))),
        Effect::RingEnter { fd } => {
            if call.arg(1) != 0 {
                rings::enter(call.fd(fd), call.arg(3));
            }
            None
        }
        Effect::RingRegister { fd, opcode, .. } => {
            rings::register(call.fd(fd), call.arg(opcode));
            None
        }
        Effect::Namespace => {
            changes::enter_namespace();
            None
        }
        Effect::List { fd } => {
            let fd = call.fd(fd);
            lookups::is_untold(fd).then_some(Pending::List(fd))
        }
        Effect::Look { at } => {
            let (dir, path) = call.path(at);
            Some(Pending::Look(dir, path.pointer as usize))
        }
        Effect::MapIndirect { .. }
        | Effect::OpenHandle { .. }
        | Effect::CloneUntraced { .. }
        | Effect::Clone3 { .. }
        | Effect::SeccompListener => None,
    };
    watched(pending, made)
}

/// Tells what a call did, whose result is that of the kernel: negative for an error.
pub(crate) fn leave(pending: &mut Pending, result: isize) {
    match core::mem::replace(pending, Pending::Nothing) {
        Pending::Nothing => {}
        Pending::Transfer(transfer) => transfers::leave(transfer, result),
        Pending::Open(opening) => opens::leave(opening, result),
        Pending::Change(draft) => changes::leave(draft, result),
        Pending::Remove(draft, dir, path) => changes::leave_removed(draft, dir, path as *const u8, result),
        Pending::Make(draft, dir, path) => changes::leave_made(draft, dir, path as *const u8, result),
        Pending::Look(dir, path) => {
            if result == sys::errno::ENOENT {
                lookups::absent(dir, PathArgument { pointer: path as *const u8 });
            }
        }
        Pending::List(fd) => {
            if result >= 0 {
                lookups::listed(fd);
            }
        }
        Pending::Map(mapping) => maps::leave(mapping, result),
        Pending::Protect(address, length) => {
            if result == 0 {
                regions::tell_writable(address, length);
            }
        }
        Pending::Duplicate(from) => {
            if result >= 0 {
                descriptors::duplicate(from, result as i32);
            }
        }
        Pending::Fork(draft, flags) => process::made_copy(draft, flags, result),
        Pending::Exec(prepared) => exec::leave(prepared),
        Pending::Directory => {
            if result == 0 {
                names::directory_changed();
            }
        }
        Pending::Root(position, is_known) => {
            if result == 0 {
                names::set_root(position);
                if !is_known {
                    gaps::tell_nested_root();
                }
            }
        }
        Pending::Wait(status) => {
            if result > 0 {
                // SAFETY: the kernel has just written the status there (wait4(2)).
                let status = unsafe { (status as *const u32).read_volatile() };
                process::tell_reaped(result as u64, status);
            }
        }
        Pending::WaitId(info) => {
            if result == 0 {
                process::tell_waited(info);
            }
        }
        Pending::Aio(batch) => aio::leave(&batch, result),
        Pending::Ring(params) => {
            if result >= 0 {
                rings::made(params, result as i32);
            }
        }
        Pending::RingMap(fd, part) => rings::mapped(fd, part, result),
    }
}

const _: () = {
    // It stands on the stack of threads that may have 16 KiB in all.
    assert!(size_of::<Pending>() <= 256);
    assert!(MAP_ANONYMOUS != 0);
};
