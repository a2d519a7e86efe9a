//! `roar dag`: which step made what the others used.

mod dot;
mod html;
mod json;
mod label;
mod mermaid;
mod picture;
mod text;

use crate::cli::DagArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::{lineage, place, ui};
use label::Labels;
use picture::Picture;

pub(crate) fn dag(args: &DagArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let session = store.session()?;
    let (graph, jobs) = match &session {
        Some(session) => lineage::of_session(&store, session.key)?,
        None => Default::default(),
    };
    let graph = if args.expanded { graph } else { graph.collapse() };
    if args.json {
        let id = session.as_ref().map(|session| session.id.as_str());
        return json::print(id, &graph, &jobs);
    }
    let picture = || Picture::new(&graph, args.artifacts);
    let labels = || Labels::new(&graph, &jobs, environment);
    if args.dot {
        return ui::print(&dot::write(&picture(), &labels()).map_err(cannot_write)?);
    }
    if args.mermaid {
        return ui::print(&mermaid::write(&picture(), &labels()).map_err(cannot_write)?);
    }
    if let Some(path) = &args.html {
        let labels = labels().with_line_max(html::LINE_MAX);
        let page = html::page(&store, &graph, &picture(), &labels)?;
        return place::write_file(path, &page);
    }
    if graph.jobs.is_empty() {
        ui::say("no jobs yet");
        return Ok(());
    }
    let page = text::write(&graph, &jobs, args.artifacts, environment).map_err(cannot_write)?;
    ui::page(&page, environment)
}

fn cannot_write(error: std::fmt::Error) -> CliError {
    CliError::new(Kind::Internal, "cannot write the graph").with_source(&error)
}
