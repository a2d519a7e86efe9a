//! Jobs on a Ray cluster: their processes are no children of the run. Each has a tracer of its own, and what that leaves in its run
//! directory comes to the run by a shared directory or in pieces.
//!
//! On the run's side, [`settings`] tells the Python package what to tell the cluster, and [`gather()`] puts together what has come. On a
//! node, [`worker`] runs a worker or a driver under a tracer, in the node's [`place`]; [`content`] hashes what other machines cannot read.
//! [`fetch()`] asks again for what was missing.

mod content;
mod fetch;
mod gather;
mod place;
mod settings;
mod worker;

pub(crate) use content::Elsewhere;
pub(crate) use fetch::keep;
pub use fetch::{FetchError, Fetched, fetch, job_of_submission};
pub(crate) use gather::{Gathered, WORKERS_END, gather};
pub(crate) use settings::prepare;
pub use settings::{Destination, DestinationError};
pub use worker::{Part, is_of_ray, run_worker, tell_unseen};
