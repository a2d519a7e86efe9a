//! The stop loop: waits for whichever thread stops next, finds out why, and lets it go on.

use std::collections::hash_map::Entry;
use std::io;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use tracer_schema::GapKind;
use tracer_syscalls::{Arch, ROWS, lookup};

use crate::calls::Pending;
use crate::filter::UNKNOWN_ARCH;
use crate::launch::Mode;
use crate::observer::{Call, Observer, Who};
use crate::placement::Placement;
use crate::sys::{CallStop, Resume, Tid, call_stop, event_message, registers, resume, wait_any};
use crate::timer;
use tracer_host::signals::Roar;

/// A stop by PTRACE_O_TRACESYSGOOD: SIGTRAP, marked.
const SYSCALL_STOP: i32 = libc::SIGTRAP | 0x80;

/// A traced thread.
#[derive(Debug, Default)]
struct Thread {
    pid: Option<Tid>,
    pending: Option<Pending>,
    /// Whether the next stop at a system call is its exit.
    is_in_call: bool,
}

/// How the loop ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Wait status of the root process.
    pub(crate) status: i32,
    /// Whether descendants still run, and need the tracer.
    pub(crate) has_left: bool,
}

/// The state of the loop.
pub(crate) struct Engine {
    observer: Observer,
    threads: FxHashMap<Tid, Thread>,
    /// Threads that were met before their parents told of them; they may have ended since.
    met_early: FxHashSet<Tid>,
    root: Tid,
    mode: Mode,
    has_syscall_info: bool,
    root_status: Option<i32>,
    /// The process that started the tracer, if it listens.
    roar: Option<Roar>,
    /// Whether `roar` was told that the command is stopped.
    is_stopped: bool,
    has_executed: bool,
    placement: Option<Placement>,
}

impl Engine {
    /// Returns a loop about a root process that is seized already.
    pub(crate) fn new(observer: Observer, root: Tid, roar: Option<Roar>) -> Self {
        let mut threads = FxHashMap::default();
        threads.insert(root, Thread { pid: Some(root), ..Thread::default() });
        Self {
            observer,
            threads,
            met_early: FxHashSet::default(),
            root,
            mode: Mode::Seccomp,
            has_syscall_info: true,
            root_status: None,
            roar,
            is_stopped: false,
            has_executed: false,
            placement: Placement::new(),
        }
    }

    /// Returns the observer, to be summed up.
    pub(crate) fn into_observer(self) -> Observer {
        self.observer
    }

    /// Returns how calls were chosen for a stop.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Runs until the root process and its descendants have ended, or `linger` after the root has.
    ///
    /// `executed` is called when the command has been executed, and returns how it is traced.
    ///
    /// # Errors
    /// Those of waitpid(2): a bug of ours, since every thread waited for is our own tracee.
    pub(crate) fn run(&mut self, linger: Duration, mut executed: impl FnMut() -> Mode) -> io::Result<Ended> {
        let mut deadline: Option<Instant> = None;
        loop {
            match wait_any() {
                Ok(Some((tid, status))) => {
                    self.handle(tid, status, &mut executed);
                }
                // Not before: a child may have been made that nothing has told of yet.
                Ok(None) => break,
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => return Err(error),
            }
            if self.root_status.is_some() {
                let until = *deadline.get_or_insert_with(|| {
                    timer::interrupt_after(linger);
                    Instant::now() + linger
                });
                if Instant::now() >= until {
                    break;
                }
            }
        }
        timer::stop();
        Ok(Ended { status: self.root_status.unwrap_or(0), has_left: !self.threads.is_empty() })
    }

    /// Names the processes that still run as a gap.
    pub(crate) fn tell_left(&mut self) {
        let mut left: Vec<Tid> = self.threads.values().filter_map(|thread| thread.pid).collect();
        left.sort_unstable();
        left.dedup();
        for pid in left {
            let exe = self.observer.resolver.proc_link(pid, "exe").ok();
            let detail =
                "still running when the run was over: what it did later was not seen (see run.linger_ms)";
            self.observer.recorder.tell_gap(GapKind::DescendantLeft, pid.as_pid(), exe.as_deref(), detail);
        }
    }

    /// Lets a thread go on. It may have been killed meanwhile: then its end is waited for like any other.
    fn go(&mut self, tid: Tid, how: Resume, signal: i32) {
        self.observer.recorder.flush();
        if let Err(error) = resume(tid, how, signal)
            && error.raw_os_error() != Some(libc::ESRCH)
        {
            let detail = format!("a thread could not be resumed: {error}");
            self.observer.recorder.tell_gap(GapKind::UntracedProcess, tid.as_pid(), None, &detail);
        }
    }

    /// Lets a thread go on to where it has to be looked at next.
    fn go_on(&mut self, tid: Tid, signal: i32) {
        let awaits_exit = self.threads.get(&tid).is_some_and(|thread| thread.pending.is_some());
        let how =
            if awaits_exit || self.mode == Mode::EverySyscall { Resume::ToSyscall } else { Resume::Freely };
        self.go(tid, how, signal);
    }

    fn who(&mut self, tid: Tid) -> Who {
        let pid = match self.threads.get(&tid) {
            Some(Thread { pid: Some(pid), .. }) => *pid,
            _ => self.adopt(tid),
        };
        Who { tid, pid }
    }

    /// A thread that stopped before its parent told of it. Returns its process.
    fn adopt(&mut self, tid: Tid) -> Tid {
        let status = std::fs::read_to_string(format!("/proc/{}/status", tid.0)).unwrap_or_default();
        let field = |name: &str| {
            status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).map(Tid)
        };
        self.met_early.insert(tid);
        let pid = field("Tgid:").unwrap_or(tid);
        let parent = if pid == tid { field("PPid:").unwrap_or(self.root) } else { pid };
        self.threads.insert(tid, Thread { pid: Some(pid), ..Thread::default() });
        // The parent will say which of its threads it was.
        self.observer.fork(Who { tid: Tid(0), pid: parent }, Who { tid, pid });
        pid
    }

    fn handle(&mut self, tid: Tid, status: i32, executed: &mut dyn FnMut() -> Mode) {
        if !libc::WIFSTOPPED(status) {
            self.ended(tid, status);
            return;
        }
        if let Some(placement) = &mut self.placement {
            placement.at_stop(tid);
        }
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            libc::PTRACE_EVENT_SECCOMP => self.at_filter(tid),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => self.forked(tid),
            libc::PTRACE_EVENT_EXEC => {
                if !self.has_executed {
                    self.has_executed = true;
                    self.mode = executed();
                }
                self.executed(tid);
            }
            libc::PTRACE_EVENT_STOP => self.at_group_stop(tid, signal),
            _ if signal == SYSCALL_STOP => self.at_syscall(tid),
            _ => {
                self.who(tid);
                self.go_on(tid, signal);
            }
        }
    }

    fn ended(&mut self, tid: Tid, status: i32) {
        let Some(thread) = self.threads.remove(&tid) else {
            // Killed before its first stop, and before its parent told of it.
            self.met_early.insert(tid);
            return;
        };
        let who = Who { tid, pid: thread.pid.unwrap_or(tid) };
        if let Some(pending) = thread.pending {
            self.observer.abandon(who, pending);
        }
        if who.tid == who.pid && self.observer.process(who.pid).threads > 1 {
            self.drop_others(who.pid, who.pid);
        }
        self.observer.exit(who, status);
        if tid == self.root {
            self.root_status = Some(status);
            // Killed while it was stopped, it did not go on; `roar` is to.
            self.wake_if_stopped();
        }
    }

    fn forked(&mut self, parent: Tid) {
        let who = self.who(parent);
        if let Ok(child) = event_message(parent) {
            let child = Tid(child as i32);
            if self.met_early.remove(&child) {
                if self.threads.get(&child).is_some_and(|thread| thread.pid == Some(child)) {
                    self.observer.made_by(who, child);
                }
            } else if let Entry::Vacant(vacant) = self.threads.entry(child) {
                let path = format!("/proc/{}/task/{}", who.pid.0, child.0);
                let pid = if std::fs::symlink_metadata(path).is_ok() { who.pid } else { child };
                vacant.insert(Thread { pid: Some(pid), ..Thread::default() });
                self.observer.fork(who, Who { tid: child, pid });
            }
        }
        self.go_on(parent, 0);
    }

    fn executed(&mut self, tid: Tid) {
        // The thread has the id of its process now; the others are gone without a word (ptrace(2), "execve").
        let former = event_message(tid).map_or(tid, |former| Tid(former as i32));
        self.drop_others(tid, former);
        let who = self.who(tid);
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.pending = None;
            // In the mode where every call stops, the exit of execve is next.
            thread.is_in_call = true;
        }
        self.observer.exec(who);
        self.go_on(tid, 0);
    }

    /// The threads of a process but its leader are gone without a word of their own: killed by an exec, or with the one
    /// that made it. `former` is the one that lives on as the leader.
    fn drop_others(&mut self, pid: Tid, former: Tid) {
        let of_process =
            |(tid, thread): (&Tid, &Thread)| (thread.pid == Some(pid) && *tid != pid).then_some(*tid);
        let gone: Vec<Tid> = self.threads.iter().filter_map(of_process).collect();
        for tid in gone {
            let pending = self.threads.remove(&tid).and_then(|thread| thread.pending);
            if let Some(pending) = pending.filter(|_| tid != former) {
                self.observer.abandon(Who { tid, pid }, pending);
            }
        }
    }

    fn wake_if_stopped(&mut self) {
        if self.is_stopped
            && let Some(roar) = &self.roar
        {
            roar.wake();
        }
        self.is_stopped = false;
    }

    fn at_group_stop(&mut self, tid: Tid, signal: i32) {
        self.who(tid);
        if !is_stopping(signal) {
            if tid == self.root {
                self.wake_if_stopped();
            }
            self.go_on(tid, 0);
            return;
        }
        if tid == self.root && !self.is_stopped {
            self.is_stopped = true;
            if let Some(roar) = &self.roar {
                roar.stop(signal);
            }
        }
        self.go(tid, Resume::Listening, 0);
    }

    fn at_filter(&mut self, tid: Tid) {
        let who = self.who(tid);
        let stop = self.call_stop(tid, false);
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.is_in_call = true;
        }
        self.enter(who, stop);
        self.go_on(tid, 0);
    }

    fn at_syscall(&mut self, tid: Tid) {
        let who = self.who(tid);
        let thread = self.threads.entry(tid).or_default();
        let is_exit = thread.is_in_call;
        thread.is_in_call = !is_exit;
        let pending = if is_exit { thread.pending.take() } else { None };
        if is_exit && pending.is_none() {
            self.go_on(tid, 0);
            return;
        }
        match (self.call_stop(tid, is_exit), pending) {
            (Ok(CallStop::Exit(result)), Some(pending)) => self.observer.leave(who, pending, result),
            (stop, _) => self.enter(who, stop),
        }
        self.go_on(tid, 0);
    }

    fn call_stop(&mut self, tid: Tid, is_exit: bool) -> io::Result<CallStop> {
        if self.has_syscall_info {
            match call_stop(tid) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL)) => {
                    self.has_syscall_info = false;
                }
                other => return other,
            }
        }
        registers::call_stop(tid, is_exit)
    }

    fn enter(&mut self, who: Who, stop: io::Result<CallStop>) {
        // A thread that was killed at the stop has nothing to say.
        let Ok(CallStop::Entry { audit, number, args, filter_data }) = stop else {
            return;
        };
        let Some((arch, number)) = Arch::of_call(audit, number).filter(|_| filter_data != Some(UNKNOWN_ARCH))
        else {
            let exe = self.observer.resolver.proc_link(who.tid, "exe").ok();
            let detail = format!("system calls of an architecture that is not known here ({audit:#x})");
            self.observer.recorder.tell_gap(
                GapKind::UndecodedCall,
                who.pid.as_pid(),
                exe.as_deref(),
                &detail,
            );
            return;
        };
        let row = match filter_data {
            Some(row) => Some(usize::from(row)).filter(|row| *row < ROWS.len()),
            None => lookup(arch, number).filter(|row| ROWS[*row].when.holds(&args)),
        };
        let Some(row) = row else { return };
        let pending = self.observer.enter(who, &Call { arch, row, args });
        if let Some(thread) = self.threads.get_mut(&who.tid) {
            thread.pending = pending;
        }
    }
}

/// Lets descendants run on until they end, observing nothing: under the filter they cannot be let go of.
pub(crate) fn serve() {
    loop {
        match wait_any() {
            Ok(Some((tid, status))) if libc::WIFSTOPPED(status) => {
                let signal = libc::WSTOPSIG(status);
                let (how, signal) = match status >> 16 {
                    libc::PTRACE_EVENT_STOP if is_stopping(signal) => (Resume::Listening, 0),
                    0 if signal != SYSCALL_STOP => (Resume::Freely, signal),
                    _ => (Resume::Freely, 0),
                };
                // A thread that was killed meanwhile is waited for like any other.
                let _killed = resume(tid, how, signal);
            }
            Ok(Some(_)) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

/// Returns whether a group stop has this signal (signal(7)).
fn is_stopping(signal: i32) -> bool {
    matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
}
