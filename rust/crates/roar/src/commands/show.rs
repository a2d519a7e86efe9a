//! `roar show`: a session, a job, an artifact or a path in full.

mod artifact;
mod job;
mod lookups;
mod objects;
mod path;
mod session;
mod tasks;

use roar_store::Target;

use crate::cli::ShowArgs;
use crate::commands::target;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::place;

pub(crate) fn show(args: &ShowArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let Some(word) = &args.target else {
        return session::show(&store, args, environment);
    };
    match target::find(&store, word, environment)? {
        Target::Job(job) => job::show(&store, &job, args, environment),
        Target::Artifact(artifact) => artifact::show(&store, &artifact, args, environment),
        Target::Path(path) => path::show(&store, &path, args, environment),
    }
}

/// Returns the failure of writing to a string, which has none.
fn unwritten(error: std::fmt::Error) -> CliError {
    CliError::new(Kind::Internal, "cannot write the answer").with_source(&error)
}
