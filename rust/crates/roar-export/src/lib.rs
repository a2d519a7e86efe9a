//! Lineage in the formats of standards (PROV-JSON, RO-Crate, OpenLineage, in-toto with SLSA provenance, CycloneDX) and of other
//! tools (DVC, make).
//!
//! It is pure: a [`Lineage`] in, documents out. It never looks at a file, a clock, a database or the network, and knows neither
//! how lineage is recorded nor how it is asked for.
//! Begin reading at [`Lineage`]; each format is a module with one function.

#![forbid(unsafe_code)]

mod cyclonedx;
mod in_toto;
mod lineage;
mod openlineage;
mod prov;
mod ro_crate;
mod text;
mod workflow;

pub use cyclonedx::cyclonedx;
pub use in_toto::{NoDigest, in_toto};
pub use lineage::{Artifact, Environment, Flow, Git, Job, Lineage, Outcome, Package, PackageKind, Stream};
pub use openlineage::openlineage;
pub use prov::prov;
pub use ro_crate::ro_crate;
pub use workflow::{Script, dvc, make};

/// What formats name this tool by, where they want a URI: it has no address of its own.
const NAME: &str = "urn:roar";
