//! The table of system calls that matter to lineage: their numbers on each architecture, the roles of their arguments,
//! and the test on the arguments that tells whether a call can have an effect at all.
//!
//! It knows nothing of how calls are intercepted, and decides nothing about files. Begin reading at [`ROWS`].

#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

mod arch;
mod effect;
mod table;

pub use arch::Arch;
pub use effect::{Comparison, Descriptor, Effect, OpenFlags, PathAt, Test, When, constants};
pub use table::{LOOKUPS, ROWS, Row, is_lookup, lookup};
