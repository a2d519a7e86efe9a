//! The objects of object stores that a job used.

use std::fmt::{Result as Written, Write};

use tracer_schema::{ObjectRecord, Role as FileRole};

use crate::env::Environment;
use crate::naming::mark;
use crate::phrase;
use crate::place::shown_path;
use crate::ui::{Role, Table};

/// Adds the objects to a page, if there are any.
pub(super) fn write(text: &mut String, objects: &[ObjectRecord], environment: &Environment) -> Written {
    if objects.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{} {}", Role::Heading.paint("objects"), phrase::number(objects.len() as u64))?;
    let mut table = Table::default();
    for object in objects {
        let etag = object.etag.as_deref().map(|etag| mark(None, Some(etag))).unwrap_or_default();
        let size = object.size.map(phrase::size).unwrap_or_default();
        let version = object.version.as_ref().map(|version| format!("  (version {version})"));
        let path = shown_path(environment, &object.path());
        table.row().cell(verb(object.role)).role_cell(Role::Faint, etag).cell(size);
        table.cell(format!("{path}{}", version.unwrap_or_default()));
    }
    table.write(text, "  ", None);
    Ok(())
}

fn verb(role: FileRole) -> &'static str {
    match role {
        FileRole::Input => "read",
        FileRole::Output => "wrote",
        FileRole::Temporary => "made and removed",
        FileRole::Deleted => "deleted",
    }
}
