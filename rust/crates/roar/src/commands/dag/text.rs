//! The graph as text: steps with their inputs and outputs.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{Result, Write};

use roar_dag::{Edge, Evidence, Graph, Version};
use roar_store::{Job, JobState};
use tracer_schema::PathBytes;

use crate::env::Environment;
use crate::place::shown_path;
use crate::ui::Role;
use crate::view::short_hash;
use crate::{phrase, quote};

/// Files of one kind that a step lists unless all are asked for: what a person takes in at a glance.
const LISTED_MAX: usize = 8;

/// Returns the page; `lists_all`: every file, with its hash.
pub(super) fn write(
    graph: &Graph,
    jobs: &[Job],
    lists_all: bool,
    environment: &Environment,
) -> std::result::Result<String, std::fmt::Error> {
    let mut page = Page { graph, lists_all, environment, text: String::new() };
    let stale: BTreeSet<u64> = graph.stale().iter().map(|stale| graph.job(stale.job).step).collect();
    let records: HashMap<&str, &Job> = jobs.iter().map(|record| (record.id.as_str(), record)).collect();
    for job in graph.jobs_in_order() {
        let job = graph.job(job);
        page.step(job, records.get(job.id.as_str()).copied(), stale.contains(&job.step))?;
    }
    Ok(page.text)
}

struct Page<'a> {
    graph: &'a Graph,
    lists_all: bool,
    environment: &'a Environment,
    text: String,
}

impl Page<'_> {
    fn step(&mut self, job: &roar_dag::Job, record: Option<&Job>, is_stale: bool) -> Result {
        let command = quote::command(&job.command);
        write!(
            self.text,
            "{}  {}",
            Role::Step.paint(format_args!("@{}", job.step)),
            Role::Heading.paint(command)
        )?;
        if !job.supersedes.is_empty() {
            let steps: Vec<String> = job.supersedes.iter().map(|step| format!("@{step}")).collect();
            write!(self.text, "  {}", Role::Faint.paint(format_args!("(again; first {})", steps.join(" "))))?;
        }
        let is_broken_off = record.is_some_and(|record| record.state == JobState::Interrupted);
        let is_partial = record.is_some_and(|record| !record.is_complete);
        for (is_so, mark) in [(is_stale, "stale"), (is_broken_off, "interrupted"), (is_partial, "partial")] {
            if is_so {
                write!(self.text, "  {}", Role::Warning.paint(mark))?;
            }
        }
        writeln!(self.text)?;
        self.list("in ", &job.consumes, |page, edge, version| page.origin(edge, version))?;
        self.list("out", &job.produces, |page, edge, _| page.update(edge))?;
        let shown = if self.lists_all { job.deletes.len() } else { LISTED_MAX };
        for path in job.deletes.iter().take(shown) {
            let path = self.path(self.graph.path(*path));
            writeln!(self.text, "    {}  {path}", Role::Faint.paint("del"))?;
        }
        self.rest("del", job.deletes.len(), shown)
    }

    fn list(
        &mut self,
        name: &str,
        edges: &[Edge],
        remark: impl Fn(&Self, &Edge, &Version) -> Option<String>,
    ) -> Result {
        let mut edges: Vec<&Edge> = edges.iter().collect();
        edges.sort_by_key(|edge| self.graph.path(edge.path));
        // Those that connect steps say most.
        if !self.lists_all {
            edges.sort_by_key(|edge| !self.connects(edge));
        }
        let shown = if self.lists_all { edges.len() } else { LISTED_MAX };
        for edge in edges.iter().take(shown) {
            let version = self.graph.version(edge.version);
            let path = self.path(self.graph.path(edge.path));
            write!(self.text, "    {}  {path}", Role::Faint.paint(name))?;
            if self.lists_all {
                let hash =
                    self.graph.content(edge.version).map_or("not hashed", |content| short_hash(content.hash));
                write!(self.text, "  {}", Role::Faint.paint(hash))?;
            }
            if let Some(remark) = remark(self, edge, version) {
                write!(self.text, "  {remark}")?;
            }
            writeln!(self.text)?;
        }
        self.rest(name, edges.len(), shown)
    }

    fn rest(&mut self, name: &str, count: usize, shown: usize) -> Result {
        match count.saturating_sub(shown) {
            0 => Ok(()),
            more => {
                let more = phrase::number(more as u64);
                writeln!(
                    self.text,
                    "    {}  … {more} more (`--artifacts` lists all)",
                    Role::Faint.paint(name)
                )
            }
        }
    }

    /// Returns whether the version is one that another step made.
    fn connects(&self, edge: &Edge) -> bool {
        let version = self.graph.version(edge.version);
        version.producer.is_some() || version.superseded_producer.is_some()
    }

    fn origin(&self, edge: &Edge, version: &Version) -> Option<String> {
        let origin = match (version.producer, version.superseded_producer) {
            (Some(job), _) => format!("@{}", self.graph.job(job).step),
            (None, Some(step)) => format!("@{step}, since run again with another result"),
            (None, None) => return None,
        };
        let is_link = self.graph.content(edge.version).is_some_and(|content| content.is_link);
        let doubt = match edge.evidence {
            Evidence::Path if !is_link => " by its name, not hashed",
            Evidence::Path | Evidence::Content => "",
        };
        Some(format!("← {}{doubt}", Role::Step.paint(origin)))
    }

    fn update(&self, made: &Edge) -> Option<String> {
        let prior = self.graph.version(self.graph.prior(made)?);
        Some(match prior.producer {
            Some(job) => format!(
                "(updated, was from {})",
                Role::Step.paint(format_args!("@{}", self.graph.job(job).step))
            ),
            None => "(updated)".to_owned(),
        })
    }

    fn path(&self, path: &[u8]) -> String {
        shown_path(self.environment, &PathBytes::from(path))
    }
}
