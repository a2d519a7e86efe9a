//! What the kernel side is to do before and after each system call: the table of system calls in its terms.

use syscalls::x86_64::Sysno;
use tracer_ebpf_abi::{Action, CALLS, NONE, act};
use tracer_syscalls::{Arch, Effect, OpenFlags, PathAt, ROWS, When};

/// Calls that are no effects on files, and change what descriptors mean.
const DESCRIPTORS: &[(Sysno, u8)] = &[
    (Sysno::close, act::CLOSE),
    (Sysno::dup, act::DUPLICATE),
    (Sysno::dup2, act::DUPLICATE),
    (Sysno::dup3, act::DUPLICATE),
    (Sysno::close_range, act::CLOSE_RANGE),
];

/// Calls after which memory that was a mapping of a file is none, or is elsewhere.
const MEMORY: &[(Sysno, u8)] = &[(Sysno::munmap, act::UNMAP), (Sysno::mremap, act::MOVE)];

/// Opens, also those without an effect of their own: a descriptor of theirs may be one that was closed unseen.
const OPENS: &[(Sysno, u8)] = &[(Sysno::open, 1), (Sysno::openat, 2), (Sysno::open_by_handle_at, 2)];

/// Calls that execute a program: the path may be that of a script.
const EXECS: &[(Sysno, PathAt)] =
    &[(Sysno::execve, PathAt { dir: None, path: 0 }), (Sysno::execveat, PathAt { dir: Some(0), path: 1 })];

/// The tables for this machine's calls.
pub(crate) struct Actions {
    pub(crate) before: Vec<Action>,
    pub(crate) after: Vec<Action>,
}

/// Returns the tables.
pub(crate) fn actions() -> Actions {
    let mut before = vec![Action::default(); CALLS];
    let mut after = vec![Action::default(); CALLS];
    for row in ROWS {
        let Some(number) = row.number(Arch::X86_64).map(|number| number as usize) else { continue };
        before[number] = action_before(&row.effect, tested_argument(&row.when)).unwrap_or_default();
        after[number] = action_after(&row.effect, tested_argument(&row.when)).unwrap_or_default();
    }
    for (call, at) in EXECS {
        before[*call as usize] = followed(*at, NONE);
    }
    for (call, act) in DESCRIPTORS {
        after[*call as usize].act = *act;
    }
    for (call, act) in MEMORY {
        after[*call as usize] = Action { act: *act, b: 1, ..Action::default() };
    }
    for (call, flags) in OPENS {
        after[*call as usize] = Action { act: act::OPEN, a: *flags, ..Action::default() };
    }
    Actions { before, after }
}

/// Returns which argument decides whether a call has an effect.
pub(crate) fn tested_argument(when: &When) -> u8 {
    match when {
        When::Always => NONE,
        When::All(tests) | When::Any(tests) => tests.first().map_or(NONE, |test| test.arg),
    }
}

fn path(at: PathAt, extra: u8) -> Action {
    Action { act: act::PATH, a: at.dir.unwrap_or(NONE), b: at.path, e: extra, ..Action::default() }
}

/// A path whose last name, if it is a link, is followed.
fn followed(at: PathAt, extra: u8) -> Action {
    Action { follows: 1, ..path(at, extra) }
}

fn two_paths(from: PathAt, to: PathAt, extra: u8) -> Action {
    Action { act: act::TWO_PATHS, c: to.dir.unwrap_or(NONE), d: to.path, ..path(from, extra) }
}

fn action_before(effect: &Effect, tested: u8) -> Option<Action> {
    Some(match *effect {
        Effect::Open { at, flags: OpenFlags::Arg(flags) } => {
            Action { act: act::PATH_OPENED, ..path(at, flags) }
        }
        Effect::Open { at, flags: OpenFlags::How(how) } => {
            Action { act: act::PATH_OPENED_HOW, ..path(at, how) }
        }
        Effect::Open { at, flags: OpenFlags::Fixed(_) } => path(at, NONE),
        Effect::Truncate { at, length: (low, _) } => path(at, low),
        Effect::Rename { from, to, flags } | Effect::Link { from, to, flags } => {
            two_paths(from, to, flags.unwrap_or(NONE))
        }
        Effect::Symlink { at, .. } | Effect::Unlink { at } | Effect::Mknod { at } => path(at, tested),
        Effect::Read { .. }
        | Effect::Write { .. }
        | Effect::Copy { .. }
        | Effect::CloneUntraced { .. }
        | Effect::Clone3 { .. }
        | Effect::Clone { .. }
        | Effect::OpenHandle { .. }
        | Effect::Map { .. }
        | Effect::MapIndirect { .. }
        | Effect::Protect { .. }
        | Effect::TruncateFd { .. }
        | Effect::Allocate { .. }
        | Effect::AioSubmit { .. }
        | Effect::RingSetup { .. }
        | Effect::RingEnter { .. }
        | Effect::RingRegister { .. }
        | Effect::Namespace
        | Effect::SeccompListener => return None,
    })
}

fn action_after(effect: &Effect, tested: u8) -> Option<Action> {
    let action = |act, a, b, c| Action { act, a, b, c, ..Action::default() };
    Some(match *effect {
        Effect::Read { fd } => action(act::READ, fd, 0, 0),
        Effect::Write { fd } => action(act::WRITE, fd, 0, 0),
        Effect::Copy { from, to } => action(act::COPY, from, to, 0),
        Effect::Open { flags: OpenFlags::Arg(flags), .. } => action(act::OPEN, flags, 0, 0),
        Effect::Open { flags: OpenFlags::How(how), .. } => action(act::OPEN_HOW, how, 0, 0),
        Effect::Open { flags: OpenFlags::Fixed(_), .. } => action(act::CREAT, 0, 0, 0),
        Effect::OpenHandle { flags } => action(act::OPEN, flags, 0, 0),
        Effect::Map { fd, prot, flags } => action(act::MAP, fd, prot, flags),
        Effect::TruncateFd { fd, length: (low, _) } => action(act::TRUNCATE_FD, fd, low, 0),
        Effect::Allocate { fd } => action(act::ALLOCATE, fd, tested, 0),
        Effect::Clone { to, request, source } => action(act::IOCTL, to, request, source),
        Effect::AioSubmit { blocks, .. } => action(act::AIO, blocks, 0, 0),
        Effect::Rename { to: at, .. }
        | Effect::Link { to: at, .. }
        | Effect::Symlink { at, .. }
        | Effect::Unlink { at }
        | Effect::Mknod { at }
        | Effect::Truncate { at, .. } => path(at, NONE),
        // Processes join at fork whatever the flags; the roots of paths are the kernel's own.
        Effect::CloneUntraced { .. } | Effect::Clone3 { .. } | Effect::Namespace => return None,
        // Not seen yet.
        Effect::MapIndirect { .. }
        | Effect::RingSetup { .. }
        | Effect::RingEnter { .. }
        | Effect::RingRegister { .. } => return None,
        Effect::Protect { address, length } => action(act::PROTECT, address, length, 2),
        Effect::SeccompListener => action(act::UNFOLLOWED, 1, 0, 0),
    })
}
