//! `roar dag`: which step made what the others used.

mod json;
mod text;

use crate::cli::DagArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{lineage, place, ui};

pub(crate) fn dag(args: &DagArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let session = store.session()?;
    let (graph, jobs) = match &session {
        Some(session) => lineage::of_session(&store, session.key)?,
        None => Default::default(),
    };
    let graph = if args.expanded { graph } else { graph.collapse() };
    if args.json {
        let id = session.map(|session| session.id);
        return ui::print_json(&json::Dag::new(id, &graph, &jobs));
    }
    if graph.jobs.is_empty() {
        ui::say("no jobs yet");
        return Ok(());
    }
    let page = text::write(&graph, &jobs, args.artifacts, environment)
        .map_err(|error| CliError::new(Kind::Internal, "cannot write the graph").with_source(&error))?;
    ui::print(&page)
}
