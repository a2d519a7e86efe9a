//! What the kernel side could not tell, as far as it is counted: in a map of its own, and by the kernel.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use aya::maps::{MapData, PerCpuArray};

use crate::bpf;

/// What is counted.
pub(crate) struct Losses {
    /// Events that found no room in the ring.
    refused: PerCpuArray<MapData, u64>,
    /// Programs, by name: the kernel counts how often it could not run each.
    programs: Mutex<Vec<(&'static str, OwnedFd)>>,
}

/// So many events, at least, and why they are missing.
pub(crate) struct Loss {
    pub(crate) count: u64,
    pub(crate) why: String,
}

impl Losses {
    pub(crate) fn new(refused: PerCpuArray<MapData, u64>) -> Self {
        Self { refused, programs: Mutex::default() }
    }

    /// Counts for one more program.
    pub(crate) fn add(&self, name: &'static str, program: OwnedFd) {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner).push((name, program));
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
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        // Kernels before 5.12 do not count these, and those before 6.0 may not tell whoever has given up his rights.
        let missed = programs.iter().filter_map(|(name, program)| {
            let count = bpf::misses(program.as_fd()).ok()?;
            let why = format!("may be missing: so often the kernel left out program {name}, which ran already on that processor");
            Some(Loss { count, why })
        });
        let all = [refused].into_iter().chain(missed).filter(|loss| loss.count > 0);
        all.map(|Loss { count, why }| Loss { count, why: format!("{count} events {why}") }).collect()
    }
}
