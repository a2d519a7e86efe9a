//! The lineage graph of recorded jobs: what each consumed and produced, what an artifact comes from, which steps are
//! superseded and which are stale.
//!
//! It is pure: records in, graph out. It never looks at a file, a clock or a database, and never prints.
//! Begin reading at [`Graph`], then [`Graph::from_records`].

#![forbid(unsafe_code)]

mod ancestry;
mod build;
mod collapse;
mod descent;
mod graph;
mod names;
mod record;
mod stale;

pub use ancestry::{Ancestry, Hop};
pub use build::Builder;
pub use descent::Descent;
pub use graph::{ContentIndex, Edge, Evidence, Graph, Job, JobIndex, PathIndex, Version, VersionIndex};
pub use names::Names;
pub use record::{
    Content, ContentRef, Contents, FileUse, JobRecord, Legend, NOTHING, NumberedUse, Span, Use,
};
pub use stale::Stale;
