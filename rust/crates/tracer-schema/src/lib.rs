//! The wire between the tracers and everything after them: [`TraceEvent`] (one observed effect, fixed size), the
//! [`stream`] of frames that carries events and the byte strings they name, and [`TracerReport`] (a whole run, after policy).
//!
//! It never decides what an event means (that is `tracer-fd`), and never opens a file.
//! Begin reading at [`event`].

#![forbid(unsafe_code)]

mod bytes;
pub mod event;
mod hashes;
pub mod report;
pub mod stream;

pub use bytes::{PathBytes, PathRef};
pub use event::{EventFlags, EventKind, FileStamp, Pid, TextId, TraceEvent};
pub use hashes::{BLAKE3, BLAKE3_OF_NOTHING, Hashes, from_hex, to_hex};
pub use report::{
    Act, Coverage, Exit, FellBack, FileRecord, FileSummary, Found, Gap, GapKind, Listing, Lookup, LookupKind,
    LookupSummaries, LookupSummary, Lookups, NodeKind, ObjectRecord, Prior, ProcessRecord, Role, RunReport,
    Span, Task, TaskFile, TaskRecord, TaskUse, TracerReport, TracerStats,
};
