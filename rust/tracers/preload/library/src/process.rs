//! Which process this is, and how others are made of it.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use syscalls::Sysno;
use tracer_preload_journal::{Kind, State};

use crate::calls::Call;
use crate::journal::Draft;
use crate::{descriptors, gate, names, sandbox, sys};

/// What the process is called in the journal: its id, or an alias. 0 before the beginning.
static NAME: AtomicU32 = AtomicU32::new(0);

/// What the process calls itself.
static OWN_PID: AtomicU32 = AtomicU32::new(0);

/// How many children share the memory of this process until they execute a program or end (vfork, posix_spawn). While there are any, whoever
/// runs this code may be one of them. The gate reads it.
pub(crate) static BORROWERS: AtomicU32 = AtomicU32::new(0);

/// Not 0: children are in another PID namespace, and what they call themselves means nothing to others.
static HAS_FOREIGN_CHILDREN: AtomicU32 = AtomicU32::new(0);

/// Not 0: there is, or was, more than one thread. The gate reads it.
pub(crate) static HAS_THREADS: AtomicU32 = AtomicU32::new(0);

/// Returns whether there may be more than one thread.
pub(crate) fn has_threads() -> bool {
    HAS_THREADS.load(Ordering::Relaxed) != 0
}

/// There may be another thread, as the C library says.
pub(crate) fn has_gained_threads() {
    HAS_THREADS.store(1, Ordering::Relaxed);
}

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
            return borrower_name(pid);
        }
    }
    NAME.load(Ordering::Relaxed)
}

/// Returns what a process is called that borrows the memory of this one: where its number means nothing to others, by the entry that its
/// maker has noted.
fn borrower_name(pid: u32) -> u32 {
    if HAS_FOREIGN_CHILDREN.load(Ordering::Relaxed) == 0 {
        return pid;
    }
    let draft = noted().and_then(|noted| Draft::again(noted.draft.load(Ordering::Relaxed)));
    draft.map_or(pid, |draft| draft.alias())
}

/// Returns the alias that a program executed by this process is to go by, 0 if it needs none.
pub(crate) fn alias() -> u32 {
    let name = name();
    if name & tracer_preload_journal::entry::ALIAS != 0 { name } else { 0 }
}

/// Children will be in another PID namespace from now on (unshare, setns).
pub(crate) fn children_become_foreign() {
    HAS_FOREIGN_CHILDREN.store(1, Ordering::Relaxed);
}

/// What a call that makes a process or thread asks for: its flags, and whether the child gets a stack of its own.
fn request(call: &Call) -> Option<(u64, bool)> {
    let [first, second, ..] = call.args;
    match Sysno::new(call.number)? {
        #[cfg(target_arch = "x86_64")]
        Sysno::fork => Some((0, false)),
        #[cfg(target_arch = "x86_64")]
        Sysno::vfork => Some((clone::VM | clone::VFORK, false)),
        Sysno::clone => Some((first as u64, second != 0)),
        Sysno::clone3 => {
            // `struct clone_args`: flags come first, the stack sixth (include/uapi/linux/sched.h).
            let mut words = [0; 48];
            let is_there = sys::peek(first, &mut words) == words.len();
            let (words, _) = words.as_chunks::<8>();
            let [flags, _, _, _, _, stack] = words else { return None };
            is_there.then(|| (u64::from_le_bytes(*flags), u64::from_le_bytes(*stack) != 0))
        }
        _ => None,
    }
}

/// A process that a thread is making, noted for where the call goes on.
struct Noted {
    thread: AtomicUsize,
    /// Which of those of a thread is the last: a child that borrows the memory makes others as the same thread.
    order: AtomicU64,
    flags: AtomicU64,
    /// The position of its entry, 0 if it has none.
    draft: AtomicU64,
    /// What a child that borrows the memory may change for itself alone: its root directory, its sandbox.
    root: AtomicU64,
    sandbox: AtomicU32,
}

/// Threads that make processes at the same time, outside the gate: more than this are told of by their children.
const NOTED_MAX: usize = 64;

static NOTED: [Noted; NOTED_MAX] = [const {
    Noted {
        thread: AtomicUsize::new(0),
        order: AtomicU64::new(0),
        flags: AtomicU64::new(0),
        draft: AtomicU64::new(0),
        root: AtomicU64::new(0),
        sandbox: AtomicU32::new(0),
    }
}; NOTED_MAX];

/// How many were noted.
static NOTES: AtomicU64 = AtomicU64::new(0);

/// Notes what the thread is making.
fn note(flags: u64, draft: Option<&Draft>) {
    let thread = gate::thread();
    let take = |noted: &&Noted| {
        noted.thread.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    };
    if let Some(noted) = NOTED.iter().find(take) {
        noted.order.store(NOTES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        noted.flags.store(flags, Ordering::Relaxed);
        noted.draft.store(draft.map_or(0, |draft| draft.position), Ordering::Relaxed);
        noted.root.store(names::process_root(), Ordering::Relaxed);
        noted.sandbox.store(sandbox::state(), Ordering::Relaxed);
    }
}

/// Returns what the thread is making, the last if a child that borrows the memory is making one as well.
fn noted() -> Option<&'static Noted> {
    let thread = gate::thread();
    let ours = NOTED.iter().filter(|noted| noted.thread.load(Ordering::Acquire) == thread);
    ours.max_by_key(|noted| noted.order.load(Ordering::Relaxed))
}

/// How a call that makes a process goes on.
pub(crate) enum Making {
    /// A thread: nothing to tell.
    Thread,
    /// A process with a copy of the memory, and its flags. In the child its alias, if it needs one, is that of the entry.
    Copy(Option<Draft>, u64),
    /// A process that shares the memory, or begins on a stack of its own.
    Elsewhere,
}

/// Prepares for a call that makes a process or thread.
pub(crate) fn prepare(call: &Call) -> Making {
    match request(call) {
        Some((flags, has_stack)) => prepare_with(flags, has_stack),
        None => {
            HAS_THREADS.store(1, Ordering::Relaxed);
            Making::Thread
        }
    }
}

/// Prepares for making a process or thread with those flags.
pub(crate) fn prepare_with(flags: u64, has_stack: bool) -> Making {
    if flags & clone::THREAD != 0 {
        HAS_THREADS.store(1, Ordering::Relaxed);
        if flags & clone::FILES == 0 {
            descriptors::split();
        }
        if flags & clone::FS == 0 {
            names::split_directories();
        }
        return Making::Thread;
    }
    if flags & clone::VM != 0 {
        // A table that both change changes behind the back of both: the child has no entries.
        if flags & clone::FILES != 0 {
            descriptors::split();
        }
        // The thread that makes it stands still meanwhile if it asks for that; if not, the sharing may go on for ever.
        BORROWERS.fetch_add(1, Ordering::Relaxed);
        let is_foreign = HAS_FOREIGN_CHILDREN.load(Ordering::Relaxed) != 0 || flags & clone::NEWPID != 0;
        // Only of one that this thread waits for is it known which it is.
        let draft = if is_foreign && flags & clone::VFORK != 0 { begin_fork() } else { None };
        note(flags, draft.as_ref());
        return Making::Elsewhere;
    }
    // Tables that two processes share change behind the back of both.
    if flags & clone::FILES != 0 {
        descriptors::split();
    }
    if flags & clone::FS != 0 {
        names::split_directories();
    }
    let draft = begin_fork();
    if has_stack {
        note(flags, draft.as_ref());
        return Making::Elsewhere;
    }
    Making::Copy(draft, flags)
}

/// Begins the entry of a process that is about to be made.
fn begin_fork() -> Option<Draft> {
    Draft::new(Kind::Fork, 0).map(|mut draft| {
        draft.seal(State::Begun);
        draft
    })
}

/// A process was made with a copy of the memory, or was not; in the child `result` is 0.
pub(crate) fn made_copy(draft: Option<Draft>, flags: u64, result: isize) {
    if result != 0 {
        if let Some(draft) = draft {
            if result > 0 {
                draft.value(result as u64);
            }
            draft.finish(if result > 0 { State::Done } else { State::Void });
        }
        return;
    }
    let is_foreign = HAS_FOREIGN_CHILDREN.load(Ordering::Relaxed) != 0 || flags & clone::NEWPID != 0;
    let alias = draft.filter(|_| is_foreign).map_or(0, |draft| draft.alias());
    BORROWERS.store(0, Ordering::Relaxed);
    for noted in &NOTED {
        noted.thread.store(0, Ordering::Relaxed);
    }
    begin(alias);
    if let Some(draft) = draft.filter(|_| alias == 0) {
        // The parent says so too, perhaps later than this process is heard of.
        draft.value(NAME.load(Ordering::Relaxed).into());
    }
    descriptors::begin_process();
}

/// Called from the gate after a call that was made outside it, in the parent and in the child.
pub(crate) extern "C" fn after_clone(result: isize) {
    let Some(noted) = noted() else {
        // A new thread, or one that has made one.
        return;
    };
    let flags = noted.flags.load(Ordering::Relaxed);
    let shares_memory = flags & clone::VM != 0;
    if shares_memory && result == 0 {
        // The parent goes on with what it has noted.
        return;
    }
    let draft = noted.draft.load(Ordering::Relaxed);
    if flags & clone::VFORK != 0 && shares_memory {
        if flags & clone::FS == 0 {
            names::restore_root(noted.root.load(Ordering::Relaxed));
        }
        sandbox::restore(noted.sandbox.load(Ordering::Relaxed));
    }
    noted.thread.store(0, Ordering::Release);
    if !shares_memory {
        made_copy(Draft::again(draft), flags, result);
        return;
    }
    if flags & clone::VFORK != 0 || result < 0 {
        BORROWERS.fetch_sub(1, Ordering::Relaxed);
    }
    match Draft::again(draft) {
        Some(draft) => {
            draft.value(result.max(0) as u64);
            draft.finish(if result > 0 { State::Done } else { State::Void });
        }
        None => tell_made(result),
    }
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
    // si_signo, si_errno, si_code; then si_pid, si_uid, si_status: on Linux at a multiple of 8
    // (include/uapi/asm-generic/siginfo.h, `_sigchld`), on macOS at once (sys/signal.h).
    const PID: usize = if cfg!(target_os = "linux") { 4 } else { 3 };
    let word = |index: usize| {
        let place = (info as *const u32).wrapping_add(index);
        // SAFETY: the kernel has just written it: 128 bytes.
        unsafe { place.read_volatile() }
    };
    let (code, child, status) = (word(2), word(PID), word(PID + 2));
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
