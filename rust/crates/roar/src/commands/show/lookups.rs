//! What a job looked up that is no file of it.

use std::fmt::{Result as Written, Write};

use tracer_schema::{Found, LookupKind, Lookups};

use crate::env::Environment;
use crate::phrase;
use crate::place::{shown_directory, shown_path};
use crate::quote;
use crate::ui::{Role, Table};

/// Lookups that a page shows; a person reads no more, unless all is asked for.
const SHOWN_MAX: usize = 20;

/// Adds what was looked up to a page, if there is anything.
pub(super) fn write(
    text: &mut String,
    lookups: &Lookups,
    shows_all: bool,
    environment: &Environment,
) -> Written {
    let Lookups { kinds, found, left_out } = lookups;
    if found.is_empty() && *left_out == 0 {
        return Ok(());
    }
    let count = phrase::number(found.len() as u64 + left_out);
    writeln!(text, "\n{} {count}", Role::Heading.paint("looked up"))?;
    let mut table = Table::default();
    let shown = if shows_all { found.len() } else { SHOWN_MAX };
    for lookup in found.iter().take(shown) {
        match &lookup.found {
            Found::Absent => {
                table.row().role_cell(Role::Faint, "absent").cell(shown_path(environment, &lookup.path));
            }
            Found::Link { target } => {
                let led =
                    format!("{} → {}", shown_path(environment, &lookup.path), quote::word(target.as_bytes()));
                table.row().role_cell(Role::Faint, "link").cell(led);
            }
            Found::Listing(listing) => {
                let names = phrase::count(listing.count, "name");
                let directory = shown_directory(environment, &lookup.path);
                table.row().role_cell(Role::Faint, "listed").cell(format!("{directory}  ({names})"));
            }
        }
    }
    table.write(text, "  ", None);
    let hidden = found.len().saturating_sub(shown) as u64 + left_out;
    if hidden > 0 {
        let how = if *left_out == 0 { " (`--all` does)" } else { "" };
        let words = format!("{} more not shown{how}", phrase::number(hidden));
        writeln!(text, "  {}", Role::Faint.paint(words))?;
    }
    if !kinds.contains(&LookupKind::Absent) {
        let words = "what it looked for in vain is not all known: this backend does not see it";
        writeln!(text, "  {}", Role::Faint.paint(words))?;
    }
    Ok(())
}
