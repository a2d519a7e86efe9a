//! What the kernel side could not tell, as far as it is counted: in a map of its own, and by the kernel.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use aya::maps::{MapData, PerCpuArray};

use crate::bpf;
use crate::kernel::{EXIT, EXIT_AGAIN};

/// What is counted.
pub(crate) struct Losses {
    /// Events that found no room in the ring.
    refused: PerCpuArray<MapData, u64>,
    /// Programs, by name: the kernel counts how often it could not run each.
    programs: Mutex<Vec<(&'static str, OwnedFd)>>,
    /// Calls that the second program for the ends of calls has found to be left out by the first.
    caught: PerCpuArray<MapData, u64>,
}

/// How often it is looked whether a call that is under way has been caught, and how long is waited in between.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// So many events, at least, and why they are missing.
pub(crate) struct Loss {
    pub(crate) count: u64,
    pub(crate) why: String,
}

impl Losses {
    pub(crate) fn new(refused: PerCpuArray<MapData, u64>, caught: PerCpuArray<MapData, u64>) -> Self {
        Self { refused, programs: Mutex::default(), caught }
    }

    /// Counts for one more program.
    pub(crate) fn add(&self, name: &'static str, program: OwnedFd) {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner).push((name, program));
    }

    /// Returns whether there is a second program for the ends of calls.
    pub(crate) fn has_second(&self) -> bool {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.iter().any(|(name, _)| *name == EXIT_AGAIN)
    }

    /// Returns what was lost until now.
    pub(crate) fn all(&self) -> Vec<Loss> {
        let refused = match self.refused.get(&0, 0) {
            Ok(counts) => Loss {
                count: counts.iter().sum(),
                why: "found no room in the ring: the run was busier than its reader".to_owned(),
            },
            Err(error) => Loss {
                count: 1,
                why: format!("or more may be lost: the count of them cannot be read: {error}"),
            },
        };
        let has_second = self.has_second();
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        // Kernels before 5.12 do not count these, and those before 6.0 may not tell whoever has given up his rights.
        let missed = programs.iter().filter_map(|(name, program)| {
            let count = match *name {
                EXIT if has_second => self.uncaught(program.as_fd())?,
                // What it is left out of the first has seen.
                EXIT_AGAIN => return None,
                _ => bpf::misses(program.as_fd()).ok()?,
            };
            let why = format!("may be missing: so often the kernel left out program {name}, which ran already on that processor");
            Some(Loss { count, why })
        });
        let all = [refused].into_iter().chain(missed).filter(|loss| loss.count > 0);
        all.map(|Loss { count, why }| Loss { count, why: format!("{count} events {why}") }).collect()
    }

    /// Returns how many calls both programs for the ends of calls were left out of, once they are attached no more: a call may be between
    /// the one and the other.
    fn uncaught(&self, first: BorrowedFd<'_>) -> Option<u64> {
        let count = || {
            let misses = bpf::misses(first).ok()?;
            // Without it none counts as caught.
            let caught: u64 = self.caught.get(&0, 0).map_or(0, |counts| counts.iter().sum());
            Some(misses.saturating_sub(caught))
        };
        for _ in 1..LOOKS {
            if count()? == 0 {
                return Some(0);
            }
            thread::park_timeout(PAUSE);
        }
        count()
    }
}
