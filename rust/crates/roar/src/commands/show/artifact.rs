//! One artifact.

use std::fmt::Write;

use roar_store::{Artifact, ArtifactUse, Store};
use serde::Serialize;
use tracer_schema::{Hashes, NodeKind, PathBytes, Role as FileRole, to_hex};

use super::unwritten;
use crate::cli::ShowArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::Names;
use crate::phrase;
use crate::place::shown_path;
use crate::ui::{self, Role, Table};
use crate::view::JobView;

#[derive(Serialize)]
struct ArtifactView {
    format: &'static str,
    hash: Hashes,
    kind: NodeKind,
    size: Option<u64>,
    uses: Vec<UseView>,
}

#[derive(Serialize)]
struct UseView {
    path: PathBytes,
    role: FileRole,
    /// The artifact is what was there before this output was written.
    prior: bool,
    job: JobView,
}

pub(super) fn show(
    store: &Store,
    artifact: &Artifact,
    args: &ShowArgs,
    environment: &Environment,
) -> Result<(), CliError> {
    let uses = store.artifact_uses(artifact, usize::MAX)?;
    if args.json {
        return ui::print_json(&ArtifactView {
            format: "roar.artifact/1",
            hash: artifact.hashes.clone(),
            kind: artifact.kind,
            size: artifact.size,
            uses: uses
                .iter()
                .map(|found| UseView {
                    path: found.path.clone(),
                    role: found.role,
                    prior: found.is_prior,
                    job: JobView::from(&found.job),
                })
                .collect(),
        });
    }
    let mut page = String::new();
    writeln!(page, "{} {}", Role::Heading.paint("artifact"), artifact.hash).map_err(unwritten)?;
    for (algorithm, hash) in artifact.hashes.iter() {
        let hash = to_hex(hash);
        writeln!(page, "  {}  {hash}", Role::Heading.paint(format_args!("{algorithm:<9}")))
            .map_err(unwritten)?;
    }
    let kind = match artifact.kind {
        NodeKind::File => "file",
        NodeKind::Symlink => "target of a symbolic link",
        NodeKind::Object => "object",
    };
    let size = artifact.size.map_or_else(|| "size unknown".to_owned(), phrase::size);
    writeln!(page, "  {}  {kind}, {size}\n", Role::Heading.paint(format_args!("{:<9}", "kind")))
        .map_err(unwritten)?;
    let names = Names::new(store)?;
    let mut table = Table::with_heading(&["step", "", "path", "command"]);
    for found in &uses {
        table.row().role_cell(Role::Step, names.of(&found.job).to_string()).cell(verb(found));
        table.cell(shown_path(environment, &found.path)).cell(JobView::from(&found.job).command_line());
    }
    table.write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}

fn verb(found: &ArtifactUse) -> &'static str {
    match (found.is_prior, found.role) {
        (true, _) => "changed",
        (false, FileRole::Input) => "read",
        (false, FileRole::Output) => "wrote",
        (false, FileRole::Temporary) => "made and removed",
        (false, FileRole::Deleted) => "deleted",
    }
}
