//! Content hashes of files, in parallel: [`hash_files`].
//!
//! It never writes, never prints, never waits for another process (no FIFO, device or lease is waited for), and maps
//! no file into memory: a file truncated while it is mapped would kill the reader by SIGBUS. It starts threads only
//! when there is work for them, and none outlives the call.
//!
//! Begin reading at [`hash_files`]; `plan` decides what is hashed where, `crew` has the
//! threads, `small` and `large` do the work.

#![forbid(unsafe_code)]

mod algorithm;
mod crew;
mod file;
mod large;
mod names;
mod plan;
mod queue;
mod small;
mod stamp;

use std::io;
use std::path::Path;

use tracer_schema::{FileStamp, Hashes, NodeKind};

pub use algorithm::Algorithm;
pub use file::stamp_at;
pub use names::Names;
pub use stamp::stamp_of;

/// One file to be hashed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it is; absolute, of any length.
    pub path: &'a Path,
    /// The version that is wanted. Without it: the version that is there.
    pub expect: Option<FileStamp>,
    /// What it is: a symbolic link's content is its target text.
    pub kind: NodeKind,
    /// Whether the run itself renamed, linked or unlinked a name of the file: then `ctime` says nothing about content.
    pub moved: bool,
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The content was hashed, and was the same from the first byte to the last.
    Hashed {
        /// By algorithm, as asked for.
        hashes: Hashes,
        /// The version that was hashed, as it was found (its `ctime` may differ from the expected one).
        stamp: FileStamp,
        /// Whether the cache knew it, so that nothing was read.
        from_cache: bool,
        /// Whether any later change must show in the stamp. Only then may the hashes be kept under the stamp: the clock
        /// of file times is coarse, and a file written just now can be written again without its times changing.
        is_settled: bool,
    },
    /// The file there is not, or is no longer, the version or the kind that was wanted.
    Changed {
        /// What is there.
        now: FileStamp,
    },
    /// There is no file.
    Gone,
    /// The file is there and cannot be read.
    Unreadable {
        /// Why.
        source: io::Error,
    },
}

/// Hashes known from before. Asked on the calling thread only, so that a database connection can stand behind it.
pub trait HashCache {
    /// Returns the hashes of that version. All times in `stamp` count; mode and number of names do not.
    fn lookup(&self, stamp: &FileStamp) -> Option<Hashes>;
}

/// A cache that knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCache;

impl HashCache for NoCache {
    fn lookup(&self, _stamp: &FileStamp) -> Option<Hashes> {
        None
    }
}

/// Told how the work goes on, from any thread, often: it must be quick.
pub trait Monitor: Sync {
    /// So many more bytes will be read.
    fn add_total(&self, bytes: u64);
    /// So many more bytes were dealt with. Once all is done the sum equals the total.
    fn add_done(&self, bytes: u64);
}

/// A monitor that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Monitor for Unwatched {
    fn add_total(&self, _bytes: u64) {}
    fn add_done(&self, _bytes: u64) {}
}

/// Hashes the files, and gives each outcome to `each` with the index of its request, on the calling thread, in the order
/// in which they come about.
///
/// BLAKE3 is always computed, the other `algorithms` as well. A file that changes while it is read is
/// [`Outcome::Changed`]. A few small files are hashed on the calling thread; more work starts one thread per core, and
/// large files are shared between them.
pub fn hash_files(
    requests: &[Request<'_>],
    algorithms: &[Algorithm],
    cache: &dyn HashCache,
    each: &mut dyn FnMut(usize, Outcome),
    monitor: &dyn Monitor,
) {
    let crew = crew::Crew { requests, algorithms: algorithm::Set::new(algorithms), monitor };
    plan::Plan { crew, cache }.carry_out(each);
}
