//! What the kernel side is to do before and after each system call: the table of system calls in its terms.

use tracer_ebpf_abi::{Action, CALLS, NONE, ROWS as TABLE_ROWS, act};
use tracer_syscalls::{Arch, Effect, LOOKUPS, OpenFlags, PathAt, ROWS, When};

/// The kinds of calls that this machine has, in the order of the table: its own, and those of 32-bit programs.
pub(crate) const KINDS: [Arch; 2] = [Arch::X86_64, Arch::X86];

/// Numbers of a call, by kind.
macro_rules! numbers {
    ($name:ident) => {
        [Some(syscalls::x86_64::Sysno::$name as usize), Some(syscalls::x86::Sysno::$name as usize)]
    };
}

type Numbers = [Option<usize>; KINDS.len()];

/// Calls that are no effects on files, and change what descriptors mean, or what is in memory where.
const OTHERS: &[(Numbers, Action)] = &[
    (numbers!(close), only(act::CLOSE)),
    (numbers!(dup), only(act::DUPLICATE)),
    (numbers!(dup2), only(act::DUPLICATE)),
    (numbers!(dup3), only(act::DUPLICATE)),
    (numbers!(close_range), only(act::CLOSE_RANGE)),
    (numbers!(munmap), Action { b: 1, ..only(act::UNMAP) }),
    (numbers!(mremap), Action { b: 1, ..only(act::MOVE) }),
    // Opens, also those without an effect of their own: a descriptor of theirs may be one that was closed unseen.
    (numbers!(open), Action { a: 1, b: 0, c: NONE, ..only(act::OPEN) }),
    (numbers!(openat), Action { a: 2, b: 1, c: 0, ..only(act::OPEN) }),
    (numbers!(open_by_handle_at), Action { a: 2, b: NONE, c: NONE, ..only(act::OPEN) }),
];

const fn only(act: u8) -> Action {
    Action { act, a: 0, b: 0, c: 0, d: 0, e: 0, follows: 0, padding: 0 }
}

/// The tables for this machine's calls.
pub(crate) struct Actions {
    pub(crate) before: Vec<Action>,
    pub(crate) after: Vec<Action>,
}

/// Returns the tables. `sees_rings`: what is done by way of io_urings is told of by itself; `tells_names`: so are names that calls remove
/// or change.
pub(crate) fn actions(sees_rings: bool, tells_names: bool) -> Actions {
    let mut before = vec![Action::default(); TABLE_ROWS];
    let mut after = vec![Action::default(); TABLE_ROWS];
    for (at, kind) in KINDS.into_iter().enumerate() {
        let (before, after) = (&mut before[at * CALLS..], &mut after[at * CALLS..]);
        for row in ROWS {
            let Some(number) = row.number(kind).map(|number| number as usize) else { continue };
            before[number] = action_before(&row.effect, tested_argument(&row.when)).unwrap_or_default();
            after[number] = action_after(&row.effect, tested_argument(&row.when)).unwrap_or_default();
            if tells_names && before[number].act != act::NOTHING {
                after[number].act = act::TOLD;
            }
            if !sees_rings && matches!(row.effect, Effect::RingSetup { .. }) {
                after[number] = Action { a: NONE, ..only(act::UNFOLLOWED) };
            }
            if after[number].act == act::AIO {
                after[number].c = if kind == Arch::X86 { 4 } else { 8 };
            }
        }
        for row in LOOKUPS {
            if let (Some(number), Effect::Look { at }) = (row.number(kind), row.effect) {
                after[number as usize] = Action { b: at.path, c: at.dir.unwrap_or(NONE), ..only(act::LOOK) };
            }
        }
        for (numbers, action) in OTHERS {
            if let Some(number) = numbers[at] {
                after[number] = *action;
            }
        }
    }
    Actions { before, after }
}

/// Returns the kind and number of a call by its place in the tables.
pub(crate) fn call_of(place: u64) -> (Arch, u64) {
    (KINDS[(place as usize / CALLS).min(KINDS.len() - 1)], place % CALLS as u64)
}

/// Returns which argument decides whether a call has an effect.
pub(crate) fn tested_argument(when: &When) -> u8 {
    match when {
        When::Always => NONE,
        When::All(tests) | When::Any(tests) => tests.first().map_or(NONE, |test| test.arg),
    }
}

fn path(at: PathAt, extra: u8) -> Action {
    Action { act: act::PATH, a: at.dir.unwrap_or(NONE), b: at.path, d: NONE, e: extra, ..Action::default() }
}

/// A path whose last name, if it is a link, is followed.
fn followed(at: PathAt, extra: u8) -> Action {
    Action { follows: 1, ..path(at, extra) }
}

fn two_paths(from: PathAt, to: PathAt, extra: u8) -> Action {
    Action { act: act::TWO_PATHS, c: to.dir.unwrap_or(NONE), d: to.path, ..path(from, extra) }
}

/// What a call destroys can be seen before it alone. What else it does can be seen afterwards as well, which costs less.
fn action_before(effect: &Effect, tested: u8) -> Option<Action> {
    if let Effect::Rename { from, to, flags } = *effect {
        Some(two_paths(from, to, flags.unwrap_or(NONE)))
    } else if let Effect::Unlink { at } = *effect {
        Some(path(at, tested))
    } else {
        None
    }
}

fn action_after(effect: &Effect, tested: u8) -> Option<Action> {
    let action = |act, a, b, c| Action { act, a, b, c, ..Action::default() };
    Some(match *effect {
        // What is read of a directory are its names.
        Effect::Read { fd } | Effect::List { fd } => action(act::READ, fd, 0, 0),
        Effect::Write { fd } => action(act::WRITE, fd, 0, 0),
        Effect::Copy { from, to } => action(act::COPY, from, to, 0),
        Effect::Open { at, flags: OpenFlags::Arg(flags) } => {
            action(act::OPEN, flags, at.path, at.dir.unwrap_or(NONE))
        }
        Effect::Open { at, flags: OpenFlags::How(how) } => {
            action(act::OPEN_HOW, how, at.path, at.dir.unwrap_or(NONE))
        }
        Effect::Open { flags: OpenFlags::Fixed(_), .. } => action(act::CREAT, 0, 0, 0),
        Effect::OpenHandle { flags } => action(act::OPEN, flags, NONE, NONE),
        Effect::Map { fd, prot, flags } => action(act::MAP, fd, prot, flags),
        Effect::MapIndirect { arguments } => action(act::MAP_INDIRECT, arguments, 0, 0),
        Effect::TruncateFd { fd, length: (low, high) } => {
            action(act::TRUNCATE_FD, fd, low, high.unwrap_or(NONE))
        }
        Effect::Allocate { fd } => action(act::ALLOCATE, fd, tested, 0),
        Effect::Clone { to, request, source } => action(act::IOCTL, to, request, source),
        Effect::AioSubmit { blocks, .. } => action(act::AIO, 0, blocks, 0),
        Effect::Rename { from, to, flags } => {
            Action { act: act::PATH, ..two_paths(to, from, flags.unwrap_or(NONE)) }
        }
        Effect::Link { from, to, flags } => {
            Action { act: act::LINK, ..two_paths(to, from, flags.unwrap_or(NONE)) }
        }
        Effect::Unlink { at } => Action { act: act::PATH, ..two_paths(at, at, tested) },
        Effect::Symlink { at, .. } | Effect::Mknod { at } => path(at, tested),
        Effect::Truncate { at, length: (low, _) } => followed(at, low),
        // Processes join at fork whatever the flags; the roots of paths are the kernel's own.
        Effect::CloneUntraced { .. } | Effect::Clone3 { .. } | Effect::Namespace => return None,
        // Not seen yet.
        // In a table of their own.
        Effect::Look { .. } => return None,
        Effect::RingSetup { .. } | Effect::RingEnter { .. } | Effect::RingRegister { .. } => return None,
        Effect::Protect { address, length } => action(act::PROTECT, address, length, 2),
        Effect::SeccompListener => action(act::UNFOLLOWED, 1, 0, 0),
    })
}
