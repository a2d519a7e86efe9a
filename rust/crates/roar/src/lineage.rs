//! The graph of a session, for the commands that draw it.

use roar_dag::Graph;
use roar_store::{Job, SessionKey, Store};

use crate::error::CliError;

/// Returns the graph of a session and its jobs, in the order of their steps. Files that lists leave out are not in it.
pub(crate) fn of_session(store: &Store, session: SessionKey) -> Result<(Graph, Vec<Job>), CliError> {
    Ok(roar_lineage::of_session(store, session)?)
}
