//! One path: what every job did to it.

use roar_store::{Job, Store, Touch};
use serde::Serialize;
use tracer_schema::{FileRecord, NodeKind, ObjectRecord, PathBytes, Role as FileRole, to_hex};

use crate::cli::ShowArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::{Names, mark};
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
    /// Where the path is that of an object of an object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectRecord>,
}

pub(super) fn show(
    store: &Store,
    path: &PathBytes,
    args: &ShowArgs,
    environment: &Environment,
) -> Result<(), CliError> {
    let touches = store.touching(path, usize::MAX)?;
    if args.json {
        let view = |Touch { job, file }| {
            let object = object_of(store, &job, &file)?;
            Ok(TouchView { job: JobView::from(&job), file, object })
        };
        let jobs = touches.into_iter().map(view).collect::<Result<_, CliError>>()?;
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
            .cell(match object_of(store, job, file)? {
                Some(object) => mark(None, object.etag.as_deref()),
                None => hash.as_deref().map_or("", short_hash).to_owned(),
            })
            .cell(file.size.map(phrase::size).unwrap_or_default());
        table.cell(view.started()).cell(file.note.clone().unwrap_or_default()).cell(view.command_line());
    }
    let mut page = String::new();
    table.write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}

/// Returns what else is known of an object of an object store.
fn object_of(store: &Store, job: &Job, file: &FileRecord) -> Result<Option<ObjectRecord>, CliError> {
    if file.kind != NodeKind::Object {
        return Ok(None);
    }
    let mut objects = store.objects(job.key)?.into_iter();
    Ok(objects.find(|object| object.path() == file.path && object.role == file.role))
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
