//! `roar log`: jobs, newest first.

use std::sync::mpsc;
use std::{mem, thread};

use roar_store::{JobLine, SessionKey};
use serde::Serialize;

use crate::cli::LogArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::ui::{self, Lazy, Pages, Role, Rows, Table};
use crate::view::{JobView, marks, short_id};
use crate::{phrase, place, quote};

/// Lines that are measured and written together: some screens, and little beside them the time to wake who writes.
const LINES_TOGETHER: usize = 1000;

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
    let count = list(open, Pages::new(environment), environment, |tell| store.each_job_line(limit, tell))?;
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
    read: impl FnOnce(&mut dyn FnMut(JobLine<'_>) -> Result<bool, CliError>) -> Result<(), CliError>,
) -> Result<usize, CliError> {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel::<Rows>(WAITING_MAX);
        // The memory of what was written comes back, and no piece has to grow.
        let (give_back, written) = mpsc::channel::<Rows>();
        let writer = scope.spawn(move || Lines::new(pages, environment).write_all(receiver, &give_back));
        let mut together = Rows::default();
        let read = read(&mut |job| {
            add(&mut together, job, open);
            if together.len() < LINES_TOGETHER {
                return Ok(true);
            }
            let next = written.try_recv().unwrap_or_default();
            // Nobody receives any more where nobody reads what is written, or where that failed.
            Ok(sender.send(mem::replace(&mut together, next)).is_ok())
        });
        drop(sender.send(together));
        drop(sender);
        let written = writer.join().expect("writing a table does not panic");
        read.and(written)
    })
}

fn add(rows: &mut Rows, job: JobLine<'_>, open: Option<SessionKey>) {
    let step = if open == Some(job.session) { format!("@{}", job.step) } else { String::new() };
    rows.row().role_cell(Role::Step, step);
    rows.cell(short_id(job.id));
    rows.cell_of(|text| phrase::push_time(text, job.started_unix_ns));
    rows.cell_of(|text| phrase::push_duration(text, job.duration_ns));
    rows.cell_of(|text| phrase::push_exit(text, job.exit));
    rows.cell_of(|text| phrase::push_number(text, job.inputs));
    rows.cell_of(|text| phrase::push_number(text, job.outputs));
    rows.role_cell(Role::Warning, marks(job.kind.name(), job.state.name(), job.is_complete));
    rows.cell_of(|text| quote::push_command(text, job.words()));
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
        let table = Table::with_heading(heading).with_spare(SPARE);
        let table = if ui::has_styles() { table } else { table.plain() };
        Self { table, pages, width: ui::width(environment) }
    }

    /// Writes the rows as long as somebody reads, and returns how many there were.
    fn write_all(
        mut self,
        pieces: mpsc::Receiver<Rows>,
        give_back: &mpsc::Sender<Rows>,
    ) -> Result<usize, CliError> {
        let mut count = 0;
        let mut page = String::new();
        for mut rows in pieces {
            count += rows.len();
            // The last piece may be empty, and then also be the first.
            if rows.len() == 0 {
                break;
            }
            self.table.append(&mut rows);
            // After the last piece nobody takes it.
            drop(give_back.send(rows));
            page.clear();
            self.table.write_so_far(&mut page, "", self.width);
            if !self.pages.write(&page)? {
                break;
            }
        }
        self.pages.finish().map(|()| count)
    }
}
