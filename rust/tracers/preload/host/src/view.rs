//! The log as the collector looks at it: only where something was written.
//!
//! The file has holes, and to look into one of a file in memory asks the kernel for memory: where none is left that ends the process
//! (SIGBUS in mmap(2)). A hole has no entry, so that nothing is missed.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{SeekFrom, fstatfs, seek};
use tracer_preload_journal::{Head, Log, Place};

/// `f_type` of files in memory (statfs(2)).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// A log, and the file behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    log: Log<'static>,
    /// `None`: the file is on a disk, whose holes are read without asking for anything.
    holes: Option<&'static Holes>,
}

#[derive(Debug)]
struct Holes {
    file: File,
    /// Where something was written, as far as was asked last: a start and an end.
    written: Mutex<(u64, u64)>,
}

impl View {
    pub(crate) fn new(log: Log<'static>, file: File) -> Self {
        let is_in_memory = fstatfs(&file).is_ok_and(|system| system.f_type == TMPFS_MAGIC);
        // As long as the process, like the mapping.
        let holes = is_in_memory.then(|| &*Box::leak(Box::new(Holes { file, written: Mutex::new((0, 0)) })));
        Self { log, holes }
    }

    /// Returns the head.
    pub(crate) fn head(&self) -> &'static Head {
        self.log.head()
    }

    /// Returns what stands at a position.
    pub(crate) fn look(&self, position: u64) -> Place<'static> {
        match self.holes {
            Some(holes) if !holes.is_written(position) => Place::Empty,
            Some(_) | None => self.log.look(position),
        }
    }

    /// Returns the position of the first entry from `position` on, below `end`.
    pub(crate) fn resume(&self, position: u64, end: u64) -> Option<u64> {
        let Some(holes) = self.holes else { return self.log.resume(position, end) };
        let mut at = position;
        while at < end {
            let (start, until) = holes.next_written(at)?;
            if let Some(found) = self.log.resume(start, until.min(end)) {
                return Some(found);
            }
            at = until;
        }
        None
    }
}

impl Holes {
    fn is_written(&self, position: u64) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if (written.0..written.1).contains(&position) {
            return true;
        }
        match self.end_of_written(position) {
            Some(end) if end > position => {
                *written = (position, end);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Returns where the next hole begins (lseek(2)).
    fn end_of_written(&self, position: u64) -> Option<u64> {
        seek(&self.file, SeekFrom::Hole(position)).ok()
    }

    /// Returns the next part from there on that was written.
    fn next_written(&self, position: u64) -> Option<(u64, u64)> {
        let start = seek(&self.file, SeekFrom::Data(position)).ok()?;
        self.end_of_written(start).filter(|end| *end > start).map(|end| (start, end))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn holes_are_told_from_what_was_written() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        file.set_len(1 << 20).unwrap();
        file.write_all_at(b"x", 64 << 10).unwrap();
        let holes = Holes { file, written: Mutex::new((0, 0)) };
        assert!(!holes.is_written(0));
        assert!(holes.is_written((64 << 10) + 4000));
        assert!(!holes.is_written((64 << 10) + 4096));
        assert_eq!(holes.next_written(16), Some((64 << 10, (64 << 10) + 4096)));
        assert_eq!(holes.next_written(128 << 10), None);
        // It is seen what comes later.
        holes.file.write_all_at(b"x", 0).unwrap();
        assert!(holes.is_written(0));
    }
}
