//! The tasks of a job, each with what it read and wrote.

use std::fmt::{Result as Written, Write};

use tracer_schema::{Role as FileRole, Task};

use crate::env::Environment;
use crate::phrase;
use crate::place::shown_path;
use crate::ui::Role;

/// Digits of an id that are shown; Ray's differ from the first on, but in those of an actor, which come last.
const ID_DIGITS: usize = 16;

fn short_id(id: &str) -> &str {
    id.get(..ID_DIGITS).unwrap_or(id)
}

/// Adds the tasks to a page, if there are any.
pub(super) fn write(text: &mut String, tasks: &[Task], environment: &Environment) -> Written {
    if tasks.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{} {}", Role::Heading.paint("tasks"), phrase::number(tasks.len() as u64))?;
    for task in tasks {
        writeln!(text, "  {}", heading(task))?;
        for used in &task.files {
            let sign = if used.role == FileRole::Input { '<' } else { '>' };
            let remarks = [
                used.is_rewritten.then_some("rewritten later"),
                used.is_shared.then_some("or another task of the process"),
            ];
            let remarks: Vec<&str> = remarks.into_iter().flatten().collect();
            let remarks =
                if remarks.is_empty() { String::new() } else { format!("  ({})", remarks.join(", ")) };
            writeln!(text, "    {sign} {}{remarks}", shown_path(environment, &used.path))?;
        }
    }
    Ok(())
}

fn heading(task: &Task) -> String {
    let name = if task.name.is_empty() { "a task whose name is not known" } else { &task.name };
    let attempt = match task.attempt {
        0 => String::new(),
        attempt => format!(", attempt {}", attempt + 1),
    };
    let part = |what: &str, id: &Option<String>| {
        id.as_deref().map(|id| format!(", {what} {}", short_id(id))).unwrap_or_default()
    };
    let end = match task.ended_ns {
        Some(ended_ns) => phrase::duration(ended_ns.saturating_sub(task.started_ns)),
        None => "did not end".to_owned(),
    };
    let id = Role::Faint.paint(short_id(&task.id)).to_string();
    format!(
        "{}  {id}  {end}{attempt}{}{}, pid {}",
        Role::Step.paint(name),
        part("actor", &task.actor),
        part("node", &task.node),
        task.pid
    )
}
