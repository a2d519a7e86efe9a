//! `roar log`: jobs, newest first.

use roar_store::Job;
use serde::Serialize;

use crate::cli::LogArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::ui::{self, Role, Table};
use crate::view::{JobView, short_id};
use crate::{phrase, place};

#[derive(Serialize)]
struct Log {
    format: &'static str,
    jobs: Vec<JobView>,
}

pub(crate) fn log(args: &LogArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let jobs = store.jobs(args.limit.unwrap_or(usize::MAX))?;
    let open = store.session()?.map(|session| session.key);
    if args.json {
        let jobs = jobs.iter().map(JobView::from).collect();
        return ui::print_json(&Log { format: "roar.log/1", jobs });
    }
    if jobs.is_empty() {
        ui::say("no jobs yet");
        return Ok(());
    }
    let mut page = String::new();
    // Steps are numbered within a session: those of another are no targets.
    table(&jobs, |job| open == Some(job.session)).write(&mut page, "", ui::width(environment));
    ui::page(&page, environment)
}

/// Returns the table of jobs.
pub(super) fn table(jobs: &[Job], has_step: impl Fn(&Job) -> bool) -> Table {
    let mut table =
        Table::with_heading(&["step", "job", "started", ">took", "exit", ">in", ">out", "", "command"]);
    for job in jobs {
        let view = JobView::from(job);
        let step = if has_step(job) { format!("@{}", job.step) } else { String::new() };
        table.row().role_cell(Role::Step, step);
        table.cell(short_id(&job.id)).cell(view.started()).cell(phrase::duration(job.duration_ns));
        table.cell(phrase::exit(job.exit));
        table.cell(phrase::number(view.inputs)).cell(phrase::number(view.outputs));
        table.role_cell(Role::Warning, view.marks()).cell(view.command_line());
    }
    table
}
