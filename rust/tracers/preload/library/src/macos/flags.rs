//! Flags of macOS in the numbers of Linux, in which the [calls](crate::calls) are written. The program's own call is made with what the
//! program gave: only what decides something here has to be found in them.

use syscalls::Sysno;
use tracer_syscalls::constants::{
    AT_REMOVEDIR, AT_SYMLINK_FOLLOW, MAP_ANONYMOUS, O_CREAT, O_EXCL, O_TRUNC, RENAME_EXCHANGE,
};

/// What a flag is called in two systems: first in macOS.
type Pairs = [(usize, usize)];

/// open(2), sys/fcntl.h. The two lowest bits are the same in both.
const OPEN: &Pairs =
    &[(1, 1), (2, 2), (0x200, O_CREAT as usize), (0x400, O_TRUNC as usize), (0x800, O_EXCL as usize)];

/// mmap(2), sys/mman.h: MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANON.
const MAP: &Pairs = &[(1, 1), (2, 2), (0x10, 0x10), (0x1000, MAP_ANONYMOUS as usize)];

/// linkat(2) and unlinkat(2), sys/fcntl.h.
const AT: &Pairs = &[(0x40, AT_SYMLINK_FOLLOW as usize), (0x80, AT_REMOVEDIR as usize)];

/// renamex_np(2), sys/stdio.h: RENAME_SWAP.
const RENAME: &Pairs = &[(2, RENAME_EXCHANGE as usize)];

fn translated(flags: usize, pairs: &Pairs) -> usize {
    pairs.iter().filter(|(here, _)| flags & here != 0).fold(0, |sum, (_, there)| sum | there)
}

/// Translates the flags among the arguments of a call.
pub(super) fn translate(number: Sysno, args: &mut [usize; 6]) {
    // F_DUPFD_CLOEXEC, here and there; F_DUPFD is 0 in both. What else fcntl(2) does is not looked at, and gets a number that is nothing.
    const DUPLICATES: [(usize, usize); 2] = [(0, 0), (67, 1030)];
    const NOTHING: usize = u32::MAX as usize;
    let [_, second, third, fourth, fifth, _] = args;
    if number == Sysno::openat {
        *third = translated(*third, OPEN);
    } else if number == Sysno::unlinkat {
        *third = translated(*third, AT);
    } else if number == Sysno::mmap {
        *fourth = translated(*fourth, MAP);
    } else if number == Sysno::linkat {
        *fifth = translated(*fifth, AT);
    } else if number == Sysno::renameat2 {
        *fifth = translated(*fifth, RENAME);
    } else if number == Sysno::fcntl {
        let known = DUPLICATES.iter().find(|(here, _)| *here == *second & NOTHING);
        *second = known.map_or(NOTHING, |(_, there)| *there);
    }
}
