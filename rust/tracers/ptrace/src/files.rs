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

/// Where the files of the system are: how many bytes of a header or a library were read is worth no stop.
const UNCOUNTED_BELOW: [&[u8]; 4] = [b"/usr/", b"/lib", b"/etc/", b"/opt/"];

/// How much of one kind of transfer was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// Transfers whose bytes are still to be counted.
    to_count: u32,
    has_begun: bool,
    /// It was told that the bytes are not known.
    is_enough: bool,
}

impl Told {
    /// Returns that nothing was told yet of the file of that name.
    pub(crate) fn nothing(target: &[u8]) -> Self {
        let is_counted = !UNCOUNTED_BELOW.iter().any(|below| target.starts_with(below));
        Self { to_count: if is_counted { COUNTED_MAX } else { 0 }, has_begun: false, is_enough: false }
    }

    /// Returns whether a transfer was told.
    pub(crate) fn has_begun(self) -> bool {
        self.has_begun
    }

    /// Returns whether nothing was told yet, and the bytes will not be counted.
    pub(crate) fn is_uncounted(self) -> bool {
        !self.has_begun && self.to_count == 0
    }

    /// Returns whether another transfer adds nothing.
    pub(crate) fn is_enough(self) -> bool {
        self.is_enough
    }

    /// Takes note of a transfer that is told, and returns whether its bytes are counted.
    pub(crate) fn add(&mut self) -> bool {
        self.has_begun = true;
        self.is_enough = self.to_count == 0;
        self.to_count = self.to_count.saturating_sub(1);
        !self.is_enough
    }

    /// Takes note that the bytes cannot be known any more, and that this was told.
    pub(crate) fn end(&mut self) {
        *self = Self { to_count: 0, has_begun: true, is_enough: true };
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
}

/// What is known of a process.
#[derive(Debug, Default)]
pub(crate) struct Process {
    /// Descriptors, as last used.
    pub(crate) files: FxHashMap<i32, OpenFile>,
    /// How many of its threads are traced.
    pub(crate) threads: u32,
}
