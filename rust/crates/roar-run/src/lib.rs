//! The use case of roar: run a command under a tracer, hash what it read and wrote, record the job.
//!
//! It never prints: it tells a [`Monitor`], and returns what happened. It knows tracers only as programs.
//! Begin reading at [`run()`].

#![forbid(unsafe_code)]

mod env;
mod error;
mod file_capabilities;
mod interrupted;
mod job;
mod links;
mod lookups;
mod merge;
mod monitor;
mod objects;
mod options;
mod preflight;
mod ray;
mod repo;
mod report;
mod run;
mod run_dir;
mod streams;
mod surroundings;
mod tasks;
mod tracer;
mod verdicts;
mod whole_file;

pub use error::{RecordError, RunError};
pub use file_capabilities::{CAPABILITIES, Candidate, CapabilityError};
pub use interrupted::{Recovered, recover_interrupted};
pub use links::normal;
pub use monitor::{Monitor, Silent};
pub use options::{JobKind, RunOptions, Surroundings};
pub use preflight::{Preflight, Reason, Verdict, verdict_of};
pub use ray::{
    Destination, DestinationError, FetchError, Fetched, Part, fetch, is_of_ray, job_of_submission,
    run_worker, tell_unseen,
};
pub use repo::{Found, Repo, find_repo};
pub use run::{RunOutcome, run};
pub use tracer::Backend;
pub use whole_file::write_whole;
