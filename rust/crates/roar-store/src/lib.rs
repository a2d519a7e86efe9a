//! What was recorded, in SQLite: sessions, jobs, files, artifacts, and what is remembered between runs.
//!
//! It never looks at the files that it holds records of, never prints, and no other crate speaks SQL.
//! Begin reading at [`Store`]; writing goes through [`JobWriter`], and the tables are in `sql/migrations`.

#![forbid(unsafe_code)]

mod artifacts;
mod error;
mod file_rows;
mod forget;
mod garbage;
mod hash_cache;
mod job_insert;
mod job_rows;
mod job_writer;
mod label;
mod lineage_reader;
mod lookups;
mod model;
mod objects;
mod packages;
mod report;
mod rfc3339;
mod row;
mod schema;
mod second;
mod session_uses;
mod sql;
mod store;
mod target;
mod tasks;

pub use artifacts::{Artifact, ArtifactUse};
pub use error::Error;
pub use file_rows::{SessionFile, Touch};
pub use garbage::Dropped;
pub use hash_cache::{CachedHash, RACY_WINDOW_NS};
pub use job_writer::{JobWriter, ROWS_PER_TRANSACTION};
pub use lineage_reader::LineageReader;
pub use model::{
    ArtifactKey, EnvUse, FileCounts, GitState, Job, JobContext, JobKey, JobKind, JobLine, JobState, NewJob,
    Package, PackageKind, Patch, PathKey, RecordedJob, Session, SessionKey, Stream, StreamKind,
};
pub use objects::{content_name, file_of_object};
pub use rfc3339::rfc3339;
pub use schema::{APPLICATION_ID, SCHEMA_VERSION};
pub use session_uses::{SessionUse, SessionUses};
pub use store::{DATABASE_NAME, Store};
pub use target::{Found, Target};
