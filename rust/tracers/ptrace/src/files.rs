//! What is known of the descriptors of a process, so that nothing is asked or told twice.
//!
//! No descriptor is followed: each time one is used the kernel is asked what it refers to, and what was known counts only
//! if the answer is the same and no name in the run has changed since. So dup, close, exec, CLONE_FILES, SCM_RIGHTS and
//! pidfd_getfd need no stop.

use rustc_hash::FxHashMap;
use tracer_schema::{FileStamp, TextId};

/// Transfers on one descriptor that are counted byte by byte, which takes a second stop each. Small files are done by
/// then; of what goes on longer only the fact matters.
pub(crate) const COUNTED_MAX: u32 = 16;

/// The file that an event is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileRef {
    /// Its path; none for a file without a name.
    pub(crate) text: TextId,
    /// The file, when the descriptor was last looked at.
    pub(crate) stamp: FileStamp,
}

/// How much of one kind of transfer was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    transfers: u32,
}

impl Told {
    /// Returns whether another transfer adds nothing.
    pub(crate) fn is_enough(self) -> bool {
        self.transfers > COUNTED_MAX
    }

    /// Counts a transfer, and returns whether its bytes are still counted.
    pub(crate) fn add(&mut self) -> bool {
        self.transfers += 1;
        self.transfers <= COUNTED_MAX
    }
}

/// What is known of one descriptor.
#[derive(Debug)]
pub(crate) struct OpenFile {
    /// The kernel's name for what it refers to.
    pub(crate) target: Box<[u8]>,
    /// How many names had changed in the run when it was looked at.
    pub(crate) generation: u64,
    /// The file; `None` for what is not a subject.
    pub(crate) file: Option<FileRef>,
    /// Reads told.
    pub(crate) read: Told,
    /// Writes told.
    pub(crate) written: Told,
    /// Whether a mapping was told.
    pub(crate) is_mapped: bool,
}

/// What is known of a process.
#[derive(Debug, Default)]
pub(crate) struct Process {
    /// Descriptors, as last used.
    pub(crate) files: FxHashMap<i32, OpenFile>,
    /// How many of its threads are traced.
    pub(crate) threads: u32,
}
