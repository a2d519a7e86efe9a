//! Keeps the tracer on the CPU of the thread that it serves, where only one runs at a time.
//!
//! A stop hands the CPU from tracee to tracer and back. On one CPU that is two context switches; across CPUs it is two
//! wake-ups of a CPU that may have gone idle, which on virtual machines costs ten times as much. The tracer moves, never
//! the tracee: the command's own affinity is its own. Where several threads run at once, the scheduler knows better.
//!
//! # Safety
//!
//! CPU sets are plain data.

use crate::sys::Tid;

/// Stops between two decisions: the decision costs about as much as one stop.
const PERIOD: u32 = 64;

/// Changes of thread within a period from which several threads run at once. One after the other, as in a shell script,
/// they change a few times per process, and a process stops a dozen times at the least.
const CHANGES_MAX: u32 = 20;

/// Where the tracer runs.
pub(crate) struct Placement {
    allowed: libc::cpu_set_t,
    pinned: Option<usize>,
    last: Tid,
    stops: u32,
    changes: u32,
}

impl Placement {
    /// Returns a placement that has decided nothing; `None` where there is but one CPU.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: all zero is an empty set.
        let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: a valid place of that size.
        let got = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut allowed) };
        // SAFETY: a valid set.
        let count = unsafe { libc::CPU_COUNT(&allowed) };
        (got == 0 && count > 1).then_some(Self { allowed, pinned: None, last: Tid(0), stops: 0, changes: 0 })
    }

    /// Takes note of a stop, and moves the tracer now and then.
    pub(crate) fn at_stop(&mut self, tid: Tid) {
        self.stops += 1;
        if tid != self.last {
            self.last = tid;
            self.changes += 1;
        }
        if self.stops < PERIOD {
            return;
        }
        let wanted = if self.changes > CHANGES_MAX { None } else { cpu_of(tid) };
        (self.stops, self.changes) = (0, 0);
        if wanted != self.pinned {
            self.pin(wanted);
        }
    }

    fn pin(&mut self, cpu: Option<usize>) {
        let mut set = self.allowed;
        if let Some(cpu) = cpu {
            // SAFETY: a valid set; a CPU beyond its size is not in it.
            if !unsafe { libc::CPU_ISSET(cpu, &self.allowed) } {
                return;
            }
            // SAFETY: all zero is an empty set.
            set = unsafe { std::mem::zeroed() };
            // SAFETY: a valid set; the CPU was found in one of the same size.
            unsafe { libc::CPU_SET(cpu, &mut set) };
        }
        // SAFETY: a valid set. Being refused it changes nothing.
        if unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } == 0 {
            self.pinned = cpu;
        }
    }
}

/// Returns the CPU that a thread ran on last: the 39th field of its stat file (proc_pid_stat(5)).
fn cpu_of(tid: Tid) -> Option<usize> {
    let stat = std::fs::read(format!("/proc/{}/stat", tid.0)).ok()?;
    // The name in the second field may hold anything; the third begins behind its last parenthesis.
    let rest = &stat[stat.iter().rposition(|byte| *byte == b')')? + 2..];
    let field = rest.split(|byte| *byte == b' ').nth(36)?;
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_runs_on_a_cpu_that_exists() {
        let cpu = cpu_of(Tid(std::process::id() as i32)).unwrap();
        assert!(std::path::Path::new("/sys/devices/system/cpu").join(format!("cpu{cpu}")).is_dir());
    }
}
