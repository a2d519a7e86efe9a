//! Which process this is, and how others are made of it.

use core::sync::atomic::{AtomicU32, Ordering};

use syscalls::Sysno;
use tracer_preload_journal::{Kind, State};

use crate::journal::Draft;
use crate::{descriptors, names, sys};

/// What the process is called in the journal: its id, or an alias. 0 before the beginning.
static NAME: AtomicU32 = AtomicU32::new(0);

/// What the process calls itself.
static OWN_PID: AtomicU32 = AtomicU32::new(0);

/// How many children share the memory of this process until they execute a program or end (vfork, posix_spawn). While there are any, whoever
/// runs this code may be one of them. The gate reads it.
pub(crate) static BORROWERS: AtomicU32 = AtomicU32::new(0);

/// Not 0: children are in another PID namespace, and what they call themselves means nothing to others.
static HAS_FOREIGN_CHILDREN: AtomicU32 = AtomicU32::new(0);

/// clone(2) (include/uapi/linux/sched.h).
pub(crate) mod clone {
    pub(crate) const VM: u64 = 0x100;
    pub(crate) const FS: u64 = 0x200;
    pub(crate) const FILES: u64 = 0x400;
    pub(crate) const VFORK: u64 = 0x4000;
    pub(crate) const THREAD: u64 = 0x1_0000;
    pub(crate) const NEWNS: u64 = 0x2_0000;
    pub(crate) const NEWPID: u64 = 0x2000_0000;
}

/// Takes note of which process this is; `alias` is 0 or what others call it.
pub(crate) fn begin(alias: u32) {
    let pid = sys::pid();
    OWN_PID.store(pid, Ordering::Relaxed);
    NAME.store(if alias == 0 { pid } else { alias }, Ordering::Relaxed);
    if alias != 0 {
        HAS_FOREIGN_CHILDREN.store(1, Ordering::Relaxed);
    }
}

/// Returns whether this process borrows the memory of the one that it was made by.
pub(crate) fn is_borrowed() -> bool {
    BORROWERS.load(Ordering::Relaxed) != 0 && sys::pid() != OWN_PID.load(Ordering::Relaxed)
}

/// Returns what the process is called in the journal.
pub(crate) fn name() -> u32 {
    if BORROWERS.load(Ordering::Relaxed) != 0 {
        let pid = sys::pid();
        if pid != OWN_PID.load(Ordering::Relaxed) {
            return pid;
        }
    }
    NAME.load(Ordering::Relaxed)
}

/// Returns the alias that a program executed by this process is to go by, 0 if it needs none.
pub(crate) fn alias() -> u32 {
    let name = NAME.load(Ordering::Relaxed);
    if name & tracer_preload_journal::entry::ALIAS != 0 { name } else { 0 }
}

/// Children will be in another PID namespace from now on (unshare, setns).
pub(crate) fn children_become_foreign() {
    HAS_FOREIGN_CHILDREN.store(1, Ordering::Relaxed);
}

/// Returns the flags of a call that makes a process or thread; `first` is its first argument.
fn flags_of(number: u32, first: usize) -> Option<u64> {
    match Sysno::new(number as usize)? {
        #[cfg(target_arch = "x86_64")]
        Sysno::fork => Some(0),
        #[cfg(target_arch = "x86_64")]
        Sysno::vfork => Some(clone::VM | clone::VFORK),
        Sysno::clone => Some(first as u64),
        Sysno::clone3 => {
            let mut word = [0; 8];
            (sys::peek(first, &mut word) == 8).then(|| u64::from_le_bytes(word))
        }
        _ => None,
    }
}

/// How a call that makes a process goes on.
pub(crate) enum Making {
    /// A thread: nothing to tell.
    Thread,
    /// A process with a copy of the memory. In the child its alias, if it needs one, is that of the entry.
    Copy(Option<Draft>),
    /// A process that shares the memory.
    Borrower,
}

/// Prepares for a call that makes a process or thread.
pub(crate) fn prepare(number: u32, first: usize) -> Making {
    let Some(flags) = flags_of(number, first) else { return Making::Thread };
    if flags & clone::THREAD != 0 {
        if flags & clone::FILES == 0 {
            descriptors::split();
        }
        if flags & clone::FS == 0 {
            names::split_directories();
        }
        return Making::Thread;
    }
    if flags & clone::VM != 0 {
        // The thread that makes it stands still meanwhile if it asks for that; if not, the sharing may go on for ever.
        BORROWERS.fetch_add(1, Ordering::Relaxed);
        return Making::Borrower;
    }
    // Tables that two processes share change behind the back of both.
    if flags & clone::FILES != 0 {
        descriptors::split();
    }
    if flags & clone::FS != 0 {
        names::split_directories();
    }
    let draft = Draft::new(Kind::Fork, 0).map(|mut draft| {
        draft.seal(State::Begun);
        draft
    });
    Making::Copy(draft)
}

/// A process was made with a copy of the memory, or was not; in the child `result` is 0.
pub(crate) fn made_copy(draft: Option<Draft>, number: u32, first: usize, result: isize) {
    if result != 0 {
        if let Some(draft) = draft {
            if result > 0 {
                draft.value(result as u64);
            }
            draft.finish(if result > 0 { State::Done } else { State::Void });
        }
        return;
    }
    let flags = flags_of(number, first).unwrap_or(0);
    let is_foreign = HAS_FOREIGN_CHILDREN.load(Ordering::Relaxed) != 0 || flags & clone::NEWPID != 0;
    let alias = draft.filter(|_| is_foreign).map_or(0, |draft| draft.alias());
    BORROWERS.store(0, Ordering::Relaxed);
    begin(alias);
    descriptors::begin_process();
}

/// Called from the gate, in the parent, after a process that shares the memory was made, or a thread, or neither.
pub(crate) extern "C" fn after_clone(number: i32, first: usize, result: isize) {
    let Some(flags) = u32::try_from(number).ok().and_then(|number| flags_of(number, first)) else {
        // Made by number through syscall(2), whose arguments are not where they were: careful for ever.
        return;
    };
    if flags & clone::THREAD != 0 {
        return;
    }
    if flags & clone::VFORK != 0 || result < 0 {
        BORROWERS.fetch_sub(1, Ordering::Relaxed);
    }
    tell_made(result);
}

/// Tells of a process that was made.
pub(crate) fn tell_made(result: isize) {
    if result > 0
        && let Some(mut draft) = Draft::new(Kind::Fork, 0)
    {
        draft.value(result as u64);
        draft.seal(State::Done);
    }
}

/// Tells that the process ends.
pub(crate) fn tell_exit(code: usize) {
    if let Some(mut draft) = Draft::new(Kind::Exit, 0) {
        draft.value(((code & 0xff) << 8) as u64);
        draft.seal(State::Done);
    }
}

/// Tells of a child that was waited for.
pub(crate) fn tell_reaped(child: u64, status: u32) {
    // Stopped and continued children go on (wait(2)).
    let has_ended = status & 0x7f != 0x7f && status != 0xffff;
    if has_ended && let Some(mut draft) = Draft::new(Kind::Reaped, 0) {
        draft.value(child).value2(u64::from(status));
        draft.seal(State::Done);
    }
}

/// Tells of a child that was waited for by waitid(2), which has filled in the `siginfo_t` at that address.
pub(crate) fn tell_waited(info: usize) {
    // si_signo, si_errno, si_code; then si_pid, si_uid, si_status (include/uapi/asm-generic/siginfo.h, `_sigchld`).
    let word = |index: usize| {
        let place = (info as *const u32).wrapping_add(index);
        // SAFETY: the kernel has just written it: 128 bytes.
        unsafe { place.read_volatile() }
    };
    let (code, child, status) = (word(2), word(4), word(6));
    // CLD_EXITED, CLD_KILLED, CLD_DUMPED.
    let wait_status = match code {
        1 => (status & 0xff) << 8,
        2 => status & 0x7f,
        3 => status & 0x7f | 0x80,
        _ => return,
    };
    if child != 0 {
        tell_reaped(u64::from(child), wait_status);
    }
}
