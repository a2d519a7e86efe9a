//! What the tracer programs share, and what starts them: the argument contract, the run directory with its spool and
//! report, the control channel, and processes that begin exactly as they would without roar.
//!
//! It knows no backend and decides nothing about files. Begin reading at [`Recorder`] for the tracers' side and at
//! [`Watch`] for the other.
//!
//! # Safety
//!
//! `unsafe` is confined to [`inherited`], which looks at the process before `main`, `spawn`, whose code between fork and
//! exec keeps to async-signal-safe calls, `preflight`, which starts programs likewise, `supervise` and [`signals`], which handle signals, `command`, which waits for
//! children, and single calls in [`control`] and [`programs`].

pub mod arguments;
mod command;
pub mod control;
mod env;
pub mod file_systems;
pub mod inherited;
mod log;
mod lookup;
mod orphans;
pub mod preflight;
pub mod programs;
mod recorder;
mod recovery;
mod report_file;
mod roots;
pub mod signals;
mod spawn;
mod supervise;
mod world;

pub use arguments::{Origin, RecoveryArguments, TracerArguments};
pub use command::{ChildrenQueue, cpu_time_ns, deliver_report, exit_status_of, join_words};
pub use control::{Control, ToRoar, ToTracer};
pub use log::{LOG_FILE, Log};
pub use lookup::absent_path;
pub use orphans::{Orphans, change_of};
pub use recorder::{Announcement, Recorder, SPOOL_FILE, TASKS_DIR, is_spool_in_use};
pub use recovery::{Recovery, Started, recover, recover_moved, started};
pub use report_file::{
    JOURNAL_LINK, REPORT_FILE, ReportError, encode_report, parse_report, read_report, report_of, write_report,
};
pub use roots::resolve;
pub use spawn::{Outcome, Spawned, spawn_command};
pub use supervise::{Supervised, Watch, die_of};
pub use world::{Disk, stamp_of};
