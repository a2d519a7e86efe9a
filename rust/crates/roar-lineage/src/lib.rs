//! Answers that need more than one of the store, the graph and the disk: what an artifact comes from, and whether that is still so.
//!
//! It never prints, never writes but to the store's cache of hashes, and never runs what was recorded.
//! Begin reading at [`Lineage`].

#![forbid(unsafe_code)]

mod ancestry;
mod disk;
mod lookups;
mod plan;
mod program;
mod session;
mod sources;
mod staleness;
mod updates;
mod verify;

pub use ancestry::{Lineage, Start};
pub use disk::{Disk, OnDisk, content_now, is_object, standing_directory};
pub use plan::{Input, Output, Plan, Step, Supply};
pub use program::Take;
pub use session::{of_session, record_of};
pub use sources::{Source, Sources};
pub use staleness::{Reason, StaleStep, Staleness, is_code};
pub use verify::{Verdict, Verified, verify};
