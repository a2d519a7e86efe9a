//! What the nodes of a drawing say.

use std::collections::BTreeSet;

use roar_dag::Graph;
use roar_store::{Job, JobState};
use tracer_schema::{Exit, PathBytes};

use super::picture::Node;
use crate::env::Environment;
use crate::place::shown_path;
use crate::view::short_hash;
use crate::{phrase, quote};

/// Characters of a command or a name that a node shows.
const LINE_MAX: usize = 60;

/// Names that a node of many files shows.
const NAMES_MAX: usize = 3;

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The lines in it, short.
    pub(super) lines: Vec<String>,
    /// What stands out, as `stale`.
    pub(super) marks: Vec<&'static str>,
    /// All of what the lines are cut from.
    pub(super) title: String,
}

/// Says what nodes are.
pub(super) struct Labels<'a> {
    graph: &'a Graph,
    jobs: &'a [Job],
    stale: BTreeSet<u64>,
    line_max: usize,
    environment: &'a Environment,
}

impl<'a> Labels<'a> {
    pub(super) fn new(graph: &'a Graph, jobs: &'a [Job], environment: &'a Environment) -> Self {
        let stale = graph.stale().iter().map(|stale| graph.job(stale.job).step).collect();
        Self { graph, jobs, stale, line_max: LINE_MAX, environment }
    }

    /// Makes lines shorter.
    pub(super) fn with_line_max(self, line_max: usize) -> Self {
        Self { line_max, ..self }
    }

    /// Returns what a node says.
    pub(super) fn of(&self, node: &Node) -> Label {
        match node {
            Node::Job(index) => self.of_job(self.graph.job(*index)),
            Node::Files(versions) => match versions.as_slice() {
                [version] => self.of_file(*version),
                versions => self.of_files(versions),
            },
        }
    }

    fn of_job(&self, job: &roar_dag::Job) -> Label {
        let command = quote::command(&job.command);
        Label {
            lines: vec![format!("@{}", job.step), phrase::cut(&command, self.line_max).into()],
            marks: self.marks(job),
            title: command,
        }
    }

    /// Returns what stands out of a job.
    fn marks(&self, job: &roar_dag::Job) -> Vec<&'static str> {
        let record = self.record(job);
        let marks = [
            (self.stale.contains(&job.step), "stale"),
            (record.is_some_and(|record| record.state == JobState::Interrupted), "interrupted"),
            (record.is_some_and(|record| !record.is_complete), "partial"),
            (record.is_some_and(has_failed), "failed"),
        ];
        marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark)).collect()
    }

    fn of_file(&self, version: roar_dag::VersionIndex) -> Label {
        let names: Vec<String> = self.graph.names(version).map(|path| self.path(path)).collect();
        let hash = self.graph.content(version).map_or("not hashed", |content| short_hash(content.hash));
        let others = names.len().saturating_sub(1);
        let first = names.first().map_or("", String::as_str);
        let first = if others > 0 { format!("{first} (+{others})") } else { first.to_owned() };
        Label {
            lines: vec![phrase::cut(&first, self.line_max).into(), hash.to_owned()],
            marks: vec![],
            title: names.join("\n"),
        }
    }

    fn of_files(&self, versions: &[roar_dag::VersionIndex]) -> Label {
        let mut names: Vec<String> =
            versions.iter().map(|version| self.path(self.graph.version(*version).path)).collect();
        names.sort();
        let mut lines = vec![phrase::count(versions.len() as u64, "file")];
        lines.extend(names.iter().take(NAMES_MAX).map(|name| phrase::cut(name, self.line_max).into()));
        Label { lines, marks: vec![], title: names.join("\n") }
    }

    /// Returns what was recorded of a job.
    pub(super) fn record(&self, job: &roar_dag::Job) -> Option<&'a Job> {
        // Both are in the order of their steps.
        let at = self.jobs.binary_search_by_key(&job.step, |record| record.step).ok()?;
        self.jobs.get(at)
    }

    /// Returns a path for people.
    pub(super) fn path(&self, path: roar_dag::PathIndex) -> String {
        shown_path(self.environment, &PathBytes::from(self.graph.path(path)))
    }
}

fn has_failed(job: &Job) -> bool {
    match job.exit {
        Some(Exit::Code { code }) => code != 0,
        Some(Exit::Signal { .. }) => true,
        None => false,
    }
}
