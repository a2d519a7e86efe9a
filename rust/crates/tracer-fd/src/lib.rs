//! The policy: the events of a run in, what each file was to the run out. The observation model lives here and nowhere else.
//!
//! It does no I/O, reads no clock and no environment: what it must know of the world is told to it, as events while the
//! run goes on and through [`World`] when it is over. Begin reading at [`Aggregator`]; the rules are in `namespace`.

#![forbid(unsafe_code)]

mod aggregate;
mod descriptors;
mod lookups;
mod moves;
mod namespace;
mod processes;
mod tasks;
mod texts;

pub use aggregate::{Aggregator, RunSummary, World};
