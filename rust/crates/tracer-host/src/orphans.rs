//! Processes that outlive the one that made them come to `roar` or its tracer, which have asked for them: should a tracer be killed whose
//! command runs on, `roar` waits for the command itself and knows how it ends; and a tracer whose command has ended knows what
//! of it still runs.
//!
//! # Safety
//!
//! Plain system calls with places that live through them.

use std::io;

/// The processes that come to this one, and those that it has made itself, which other parts of the program wait for.
#[derive(Debug, Default)]
pub struct Orphans {
    own: Vec<i32>,
}

impl Orphans {
    /// Asks the kernel for the processes of this one's descendants that outlive their parents (PR_SET_CHILD_SUBREAPER in
    /// prctl(2)). What is a child by now is this program's own.
    pub fn adopt() -> Self {
        let yes: libc::c_ulong = 1;
        // SAFETY: takes numbers. Where it is refused a command whose tracer is killed ends unseen.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, yes) };
        Self { own: children() }
    }

    /// Takes note of a child that this program has made.
    pub fn made(&mut self, pid: u32) {
        self.own.push(pid as i32);
    }

    /// Returns the processes that have come here.
    pub fn all(&self) -> Vec<i32> {
        children().into_iter().filter(|child| !self.own.contains(child)).collect()
    }

    /// Clears away those that have ended, but for one, and returns whether any is left.
    pub fn remain_but(&self, kept: i32) -> bool {
        self.reap_all_but(kept);
        !self.all().is_empty()
    }

    /// Clears away those that have ended, but for one.
    pub fn reap_all_but(&self, kept: i32) {
        for pid in self.all().into_iter().filter(|pid| *pid != kept) {
            // SAFETY: a null place for the status, which nobody wants.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
        }
    }
}

/// Returns the children of this thread, which is the one that orphans come to (`/proc/thread-self/children`, proc_pid_task(5)).
fn children() -> Vec<i32> {
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Returns what became of a child, as wait(2) has it; `None` if nothing did.
///
/// # Errors
/// It is none.
pub fn change_of(pid: i32) -> io::Result<Option<i32>> {
    let mut status = 0;
    let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    // SAFETY: a valid place.
    match unsafe { libc::waitpid(pid, &raw mut status, flags) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        _ => Ok(Some(status)),
    }
}
