//! What surrounds a run: the state of the git repository, the packages that files belong to, the environment, and which
//! paths are the machine's rather than the user's.
//!
//! It never writes, never prints, never goes to the network, and never records what looks like a secret. Whatever it
//! cannot find out it says is unknown: nothing here may fail a run.
//!
//! The four parts know nothing of each other: [`GitProbe`], [`find_owners`], [`record_variables`], [`Filter`].

#![forbid(unsafe_code)]

mod bounded;
mod filter;
mod git;
mod packages;
mod variables;

pub use filter::{Class, Classes, Filter, Surroundings};
pub use git::{GitProbe, GitState, PATCH_BYTES_MAX, Uncommitted, WorkTree, tracked, uncommitted};
pub use packages::{Manager, NoPackageCache, Owners, Package, PackageCache, find_owners};
pub use variables::{Recorded, Variable, record_variables};
