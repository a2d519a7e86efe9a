//! One job.

use std::fmt::{Result as Written, Write};

use roar_store::{Job, JobContext, Patch, Store};
use serde::Serialize;
use tracer_schema::{FileRecord, NodeKind, Prior, Role as FileRole, RunReport, to_hex};

use super::{lookups, objects, tasks, unwritten};
use crate::cli::ShowArgs;
use crate::env::Environment;
use crate::error::CliError;
use crate::naming::Names;
use crate::place::shown_path;
use crate::ui::{self, Role, Table};
use crate::view::{ContextView, JobView, command_line, short_hash};
use crate::{phrase, quote};

/// The run report, and beside it what only the store knows.
#[derive(Serialize)]
struct JobInFull {
    #[serde(flatten)]
    report: RunReport,
    job: JobFacts,
}

#[derive(Serialize)]
struct JobFacts {
    id: String,
    step: u64,
    kind: &'static str,
    state: &'static str,
    #[serde(flatten)]
    context: ContextView,
}

pub(super) fn show(
    store: &Store,
    job: &Job,
    args: &ShowArgs,
    environment: &Environment,
) -> Result<(), CliError> {
    let report = store.report(job.key)?;
    let context = store.context(job.key)?;
    if args.json {
        let facts = JobFacts {
            id: job.id.clone(),
            step: job.step,
            kind: job.kind.name(),
            state: job.state.name(),
            context: context.into(),
        };
        return ui::print_json(&JobInFull { report, job: facts });
    }
    let name = Names::new(store)?.of(job);
    let mut page = Page {
        job,
        report: &report,
        context: &context,
        shows_all: args.all,
        environment,
        text: String::new(),
    };
    page.write(&name.to_string()).map_err(unwritten)?;
    ui::page(&page.text, environment)
}

struct Page<'a> {
    job: &'a Job,
    report: &'a RunReport,
    context: &'a JobContext,
    shows_all: bool,
    environment: &'a Environment,
    text: String,
}

impl Page<'_> {
    fn write(&mut self, name: &str) -> Written {
        writeln!(self.text, "{} {}  {}", Role::Heading.paint("job"), Role::Step.paint(name), self.job.id)?;
        self.facts()?;
        self.context()?;
        self.files()?;
        lookups::write(&mut self.text, &self.report.looked_up, self.shows_all, self.environment)?;
        objects::write(&mut self.text, &self.report.objects, self.environment)?;
        tasks::write(&mut self.text, &self.report.tasks, self.environment)?;
        self.processes()?;
        self.packages()
    }

    fn fact(&mut self, name: &str, fact: &str) -> Written {
        writeln!(self.text, "  {}  {fact}", Role::Heading.paint(format_args!("{name:<9}")))
    }

    fn facts(&mut self) -> Written {
        let view = JobView::from(self.job);
        self.fact("command", &view.command_line())?;
        self.fact("directory", &quote::word(self.job.cwd.as_bytes()))?;
        let took = phrase::duration(self.job.duration_ns);
        self.fact("started", &format!("{}, took {took}", view.started()))?;
        self.fact("exit", &phrase::exit(self.job.exit))?;
        if !view.marks().is_empty() {
            self.fact("state", &view.marks())?;
        }
        let RunReport { backend, tracer, coverage, .. } = self.report;
        let mode = if tracer.mode.is_empty() { String::new() } else { format!(" ({})", tracer.mode) };
        let events = phrase::count(tracer.events, "event");
        self.fact(
            "backend",
            &format!("{backend}{mode}, {events}, {} of CPU time", phrase::duration(tracer.overhead_ns)),
        )?;
        for passed_over in &tracer.fell_back_from {
            self.fact("", &format!("not {}: {}", passed_over.backend, passed_over.reason))?;
        }
        if coverage.complete {
            return self.fact("coverage", "complete");
        }
        let lost = match coverage.events_lost {
            0 => String::new(),
            lost => format!(", {} lost", phrase::count(lost, "event")),
        };
        self.fact(
            "coverage",
            &format!("partial, {}{lost}", phrase::count(coverage.gaps.len() as u64, "gap")),
        )?;
        for gap in &coverage.gaps {
            let pid = if gap.pid == 0 { String::new() } else { format!(" pid {}", gap.pid) };
            let path = gap.path.as_ref().map(|path| format!(" {}", shown_path(self.environment, path)));
            self.fact("", &format!("{}:{pid}{} {}", gap.kind.name(), path.unwrap_or_default(), gap.detail))?;
        }
        Ok(())
    }

    fn context(&mut self) -> Written {
        let JobContext { labels, git, patch, streams, packages: _, env } = self.context;
        if let Some(git) = git {
            let commit = git.commit.as_deref().map_or("no commit yet", short_hash);
            let branch = git.branch.as_deref().unwrap_or("detached");
            let state = match git.is_dirty {
                Some(true) => format!(", dirty: {}", phrase::count(git.changed_paths.len() as u64, "file")),
                Some(false) => ", clean".to_owned(),
                None => String::new(),
            };
            let remote = git.remote.as_deref().map(|remote| format!(", {remote}")).unwrap_or_default();
            self.fact("git", &format!("{commit} on {branch}{state}{remote}"))?;
        }
        match patch {
            Some(Patch::Kept(text)) => {
                self.fact("", &format!("changes kept, {}", phrase::size(text.len() as u64)))?;
            }
            Some(Patch::Left(reason)) => self.fact("", &format!("changes not kept: {reason}"))?,
            None => {}
        }
        for stream in streams {
            let Some(path) = &stream.path else { continue };
            let path = shown_path(self.environment, path);
            let sign = match (stream.fd, stream.is_append) {
                (0, _) => "<",
                (_, false) => ">",
                (_, true) => ">>",
            };
            self.fact("stream", &format!("{}{sign} {path}", stream.fd))?;
        }
        for (at, (key, value)) in labels.iter().enumerate() {
            self.fact(if at == 0 { "labels" } else { "" }, &format!("{key}={value}"))?;
        }
        if env.is_empty() {
            return Ok(());
        }
        let names = phrase::count(env.len() as u64, "variable");
        self.fact("environ", &if self.shows_all { names } else { format!("{names} (names with `--all`)") })?;
        for variable in env {
            let name = quote::word(variable.name.as_bytes());
            match &variable.value {
                Some(value) => self.fact("", &format!("{name}={}", quote::word(value.as_bytes())))?,
                None if self.shows_all && variable.is_redacted => {
                    self.fact("", &format!("{name} (redacted)"))?
                }
                None if self.shows_all => self.fact("", &name)?,
                None => {}
            }
        }
        Ok(())
    }

    fn files(&mut self) -> Written {
        let sections = [
            (FileRole::Input, "inputs"),
            (FileRole::Output, "outputs"),
            (FileRole::Deleted, "deleted"),
            (FileRole::Temporary, "temporary"),
        ];
        let mut left_out = 0;
        for (role, name) in sections {
            let of_role = self.report.files.iter().filter(|file| file.role == role);
            let is_left_out =
                |file: &FileRecord| !self.shows_all && (file.filtered || role == FileRole::Temporary);
            let (hidden, shown): (Vec<&FileRecord>, Vec<_>) = of_role.partition(|file| is_left_out(file));
            left_out += hidden.len() as u64;
            let may_be_silent = matches!(role, FileRole::Deleted | FileRole::Temporary);
            if shown.is_empty() && may_be_silent {
                continue;
            }
            let count = phrase::number(shown.len() as u64);
            writeln!(self.text, "\n{} {count}", Role::Heading.paint(name))?;
            let mut table = Table::default();
            for file in shown {
                let size = file.size.map(phrase::size).unwrap_or_default();
                let hash = file.hash.as_ref().and_then(|hashes| hashes.iter().next());
                let hash = hash.map(|(_, hash)| to_hex(hash));
                let hash = hash.as_deref().map_or("", short_hash);
                let path = shown_path(self.environment, &file.path);
                table
                    .row()
                    .role_cell(Role::Faint, hash)
                    .cell(size)
                    .cell(format!("{path}{}", self.remarks(file)));
            }
            table.write(&mut self.text, "  ", None);
        }
        if left_out > 0 {
            let count = phrase::count(left_out, "temporary or filtered file");
            writeln!(self.text, "\n{}", Role::Faint.paint(format_args!("{count} not shown (`--all` does)")))?;
        }
        Ok(())
    }

    fn remarks(&self, file: &FileRecord) -> String {
        let origin =
            file.renamed_from.as_ref().map(|from| format!("was {}", shown_path(self.environment, from)));
        let remarks = [
            file.executed.then(|| "executed".to_owned()),
            (file.kind == NodeKind::Symlink).then(|| "link".to_owned()),
            file.prior.map(|prior| match prior {
                Prior::Kept => "updated".to_owned(),
                Prior::Replaced => "replaced".to_owned(),
            }),
            origin,
            file.filtered.then(|| "filtered".to_owned()),
            file.note.clone(),
        ];
        let remarks: Vec<String> = remarks.into_iter().flatten().collect();
        if remarks.is_empty() { String::new() } else { format!("  ({})", remarks.join(", ")) }
    }

    fn processes(&mut self) -> Written {
        let count = phrase::number(self.report.processes.len() as u64);
        writeln!(self.text, "\n{} {count}", Role::Heading.paint("processes"))?;
        let mut table = Table::default();
        for process in &self.report.processes {
            let exit = match process.exit {
                None => "still running".to_owned(),
                exit => format!("exit {}", phrase::exit(exit)),
            };
            let took =
                process.ended_ns.map(|ended| phrase::duration(ended.saturating_sub(process.started_ns)));
            table.row().cell(process.pid.to_string()).cell(exit).cell(took.unwrap_or_default());
            table.cell(command_line(&process.argv));
        }
        table.write(&mut self.text, "  ", ui::width(self.environment));
        Ok(())
    }

    fn packages(&mut self) -> Written {
        if self.context.packages.is_empty() {
            return Ok(());
        }
        let count = phrase::number(self.context.packages.len() as u64);
        writeln!(self.text, "\n{} {count}", Role::Heading.paint("packages"))?;
        let mut table = Table::default();
        for package in &self.context.packages {
            table.row().cell(package.kind.name()).cell(package.name.clone()).cell(package.version.clone());
            table.cell(package.arch.clone());
        }
        table.write(&mut self.text, "  ", None);
        Ok(())
    }
}
