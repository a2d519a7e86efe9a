//! `roar log`: jobs, newest first.

use std::sync::mpsc;
use std::{mem, thread};

use roar_store::{Job, SessionKey};
use serde::Serialize;

use crate::cli::LogArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::ui::{self, Lazy, Pages, Role, Rows, Table};
use crate::view::{JobView, short_id};
use crate::{phrase, place};

/// Lines that are measured and written together: some screens.
const LINES_TOGETHER: usize = 500;

/// What a narrow list leaves out, by places: inputs and outputs, how long it took, its exit, when it began. A step and a job
/// are what can be typed.
const SPARE: &[&[usize]] = &[&[5, 6], &[3], &[4], &[2]];

/// Pieces of so many lines that are read ahead of the one that is written.
const WAITING_MAX: usize = 4;

#[derive(Serialize)]
struct Log<J: Serialize> {
    format: &'static str,
    jobs: J,
}

pub(crate) fn log(args: &LogArgs, environment: &Environment) -> Result<(), CliError> {
    let store = place::store(environment)?;
    let limit = args.limit.unwrap_or(usize::MAX);
    if args.json {
        let jobs = store.jobs(limit)?;
        let views = Lazy(|| jobs.iter().map(JobView::from));
        return ui::print_long_json(&Log { format: "roar.log/1", jobs: views }, jobs.len());
    }
    let open = store.session()?.map(|session| session.key);
    let count = list(open, Pages::new(environment), environment, |tell| store.each_job(limit, tell))?;
    if count == 0 {
        ui::say("no jobs yet");
    }
    Ok(())
}

/// Writes a table of the jobs that `read` tells, while it reads, and returns how many they are. Steps are named of the open
/// session: they are numbered within one, and those of another are no targets.
pub(super) fn list(
    open: Option<SessionKey>,
    pages: Pages<'_>,
    environment: &Environment,
    read: impl FnOnce(&mut dyn FnMut(Job) -> Result<bool, CliError>) -> Result<(), CliError>,
) -> Result<usize, CliError> {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel::<Rows>(WAITING_MAX);
        let writer = scope.spawn(move || Lines::new(pages, environment).write_all(receiver));
        let mut together = Rows::default();
        let read = read(&mut |job| {
            add(&mut together, job, open);
            // Nobody receives any more where nobody reads what is written, or where that failed.
            Ok(together.len() < LINES_TOGETHER || sender.send(mem::take(&mut together)).is_ok())
        });
        drop(sender.send(together));
        drop(sender);
        let written = writer.join().expect("writing a table does not panic");
        read.and(written)
    })
}

fn add(rows: &mut Rows, job: Job, open: Option<SessionKey>) {
    let has_step = open == Some(job.session);
    let view = JobView::from(job);
    let step = if has_step { format!("@{}", view.step) } else { String::new() };
    rows.row().role_cell(Role::Step, step);
    rows.cell(short_id(&view.id)).cell(view.started()).cell(phrase::duration(view.duration_ns));
    rows.cell(phrase::exit(view.exit));
    rows.cell(phrase::number(view.inputs)).cell(phrase::number(view.outputs));
    rows.role_cell(Role::Warning, view.marks()).cell(view.command_line());
}

/// A table of jobs that is written piece by piece.
struct Lines<'e> {
    table: Table,
    pages: Pages<'e>,
    width: Option<usize>,
}

impl<'e> Lines<'e> {
    fn new(pages: Pages<'e>, environment: &Environment) -> Self {
        let heading = &["step", "job", "started", ">took", "exit", ">in", ">out", "", "command"];
        Self { table: Table::with_heading(heading).with_spare(SPARE), pages, width: ui::width(environment) }
    }

    /// Writes the rows as long as somebody reads, and returns how many there were.
    fn write_all(mut self, pieces: mpsc::Receiver<Rows>) -> Result<usize, CliError> {
        let mut count = 0;
        let mut page = String::new();
        for rows in pieces {
            count += rows.len();
            // The last piece may be empty, and then also be the first.
            if rows.len() == 0 {
                break;
            }
            self.table.append(rows);
            page.clear();
            self.table.write_so_far(&mut page, "", self.width);
            if !self.pages.write(&page)? {
                break;
            }
        }
        self.pages.finish().map(|()| count)
    }
}
