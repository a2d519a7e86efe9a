//! Flags of `roar export`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of `roar export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A step (`@3`, `@last`), a job, a hash or a path
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// The format
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: Format,
    /// Write to FILE
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Send the events to a server, as Marquez is one (OpenLineage alone)
    ///
    /// The key, if it wants one, is taken from OPENLINEAGE_API_KEY.
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    pub(crate) url: Option<String>,
}

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// W3C PROV, as PROV-JSON
    Prov,
    /// Workflow Run RO-Crate: `ro-crate-metadata.json` of the project's directory
    RoCrate,
    /// OpenLineage events, one a line
    Openlineage,
    /// An in-toto statement with SLSA provenance
    InToto,
    /// CycloneDX bill of materials, with its formulation
    Cyclonedx,
    /// `dvc.yaml`: a stage for each step
    Dvc,
    /// A Makefile: a rule for each step
    Make,
}
