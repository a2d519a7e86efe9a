//! One path: what every job did to it.

use roar_store::{Store, Touch};
use serde::Serialize;
use tracer_schema::{FileRecord, PathBytes, Role as FileRole, to_hex};

use crate::cli::ShowArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::Names;
use crate::phrase;
use crate::ui::{self, Role, Table};
use crate::view::{JobView, short_hash};

/// What a narrow list leaves out, by places: when it began, the size.
const SPARE: &[&[usize]] = &[&[4], &[3]];

#[derive(Serialize)]
struct PathView {
    format: &'static str,
    path: PathBytes,
    jobs: Vec<TouchView>,
}

#[derive(Serialize)]
struct TouchView {
    job: JobView,
    file: FileRecord,
}

pub(super) fn show(
    store: &Store,
    path: &PathBytes,
    args: &ShowArgs,
    environment: &Environment,
) -> Result<(), CliError> {
    let touches = store.touching(path, usize::MAX)?;
    if args.json {
        let view = |Touch { job, file }| TouchView { job: JobView::from(&job), file };
        let jobs = touches.into_iter().map(view).collect();
        return ui::print_json(&PathView { format: "roar.path/1", path: path.clone(), jobs });
    }
    let names = Names::new(store)?;
    let mut table =
        Table::with_heading(&["step", "", "hash", ">size", "started", "", "command"]).with_spare(SPARE);
    for Touch { job, file } in &touches {
        let hash = file.hash.as_ref().and_then(|hashes| hashes.iter().next()).map(|(_, hash)| to_hex(hash));
        let view = JobView::from(job);
        table.row().role_cell(Role::Step, names.of(job).to_string()).cell(verb(file));
        table
            .cell(hash.as_deref().map_or("", short_hash))
            .cell(file.size.map(phrase::size).unwrap_or_default());
        table.cell(view.started()).cell(file.note.clone().unwrap_or_default()).cell(view.command_line());
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}

fn verb(file: &FileRecord) -> &'static str {
    match file.role {
        FileRole::Input if file.executed => "executed",
        FileRole::Input => "read",
        FileRole::Output if file.created => "made",
        FileRole::Output => "changed",
        FileRole::Temporary => "made and removed",
        FileRole::Deleted => "deleted",
    }
}
