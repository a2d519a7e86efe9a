//! The tasks of a run, as the store has them: from what the tracer saw of threads, and what the runner said that tasks are called.

use std::fs;
use std::path::Path;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use tracer_host::TASKS_DIR;
use tracer_schema::{
    Coverage, FileSummary, Gap, GapKind, PathBytes, Pid, Role, Span, Task, TaskFile, TaskRecord, TaskUse,
    TracerReport,
};

use crate::objects::{Object, Told, objects_of};

/// How the names of the files end in which runners say what tasks are called.
pub(crate) const NAMES_ENDING: &str = "jsonl";

/// What a runner says of a task: a line.
#[derive(Clone, Debug, Deserialize)]
struct Names {
    number: u64,
    id: String,
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    name: String,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    worker: Option<String>,
}

/// A line of what a program says.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Names(Names),
    Object(Told),
    Gap {
        gap: String,
        #[serde(default = "unseen_objects")]
        kind: GapKind,
        pid: Pid,
    },
}

fn unseen_objects() -> GapKind {
    GapKind::UnseenObjects
}

/// What tasks are called, and what else programs said that no tracer sees.
#[derive(Debug, Default)]
pub(crate) struct TaskNames {
    names: FxHashMap<(PathBytes, u64), Names>,
    objects: Vec<Told>,
    gaps: Vec<Gap>,
}

impl TaskNames {
    /// Reads what was said in the directory of a run. A line that was not finished is of a task that was not begun.
    pub(crate) fn read(run_dir: &Path) -> Self {
        let mut all = Self::default();
        all.add(run_dir);
        all
    }

    /// Reads what was said in the directory of another run as well.
    pub(crate) fn add(&mut self, run_dir: &Path) {
        let entries = fs::read_dir(run_dir.join(TASKS_DIR)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.extension().is_none_or(|ending| ending != NAMES_ENDING) {
                continue;
            }
            let teller = path.file_stem().unwrap_or_default().as_encoded_bytes();
            let text = fs::read_to_string(&path).unwrap_or_default();
            for line in text.split_inclusive('\n') {
                let Ok(said) = serde_json::from_str(line) else {
                    // A line without an end was not said: its process was killed, and did nothing after it.
                    if line.ends_with('\n') {
                        let detail = "a line of what a process said cannot be read".to_owned();
                        self.add_gap(GapKind::UnseenObjects, 0, detail);
                    }
                    continue;
                };
                match said {
                    Line::Names(names) => {
                        self.names.insert((PathBytes::from(teller), names.number), names);
                    }
                    Line::Object(mut told) => {
                        told.teller = PathBytes::from(teller);
                        self.objects.push(told);
                    }
                    Line::Gap { gap, kind, pid } => self.add_gap(kind, pid, gap),
                }
            }
        }
    }

    fn add_gap(&mut self, kind: GapKind, pid: Pid, detail: String) {
        self.gaps.push(Gap { kind, pid, path: None, detail });
    }

    /// Returns what objects of object stores were to the run.
    pub(crate) fn objects(&self) -> Vec<Object> {
        objects_of(self.objects.clone())
    }

    /// Adds to what was seen what programs say that they could not tell.
    pub(crate) fn add_gaps(&self, coverage: &mut Coverage) {
        coverage.complete &= self.gaps.is_empty();
        coverage.gaps.extend(self.gaps.iter().cloned());
    }

    fn of(&self, task: &TaskRecord) -> Option<Names> {
        self.names.get(&(task.teller.clone(), task.number)).cloned()
    }
}

/// Returns the tasks of a run, with those of its files that are not left out.
///
/// `places` has for each file of the report its place among the recorded ones.
pub(crate) fn tasks_of(
    report: &TracerReport,
    names: &TaskNames,
    places: &[u64],
    is_left_out: &dyn Fn(&FileSummary) -> bool,
) -> Vec<Task> {
    let changes = Changes::of(report);
    let task = |record: &TaskRecord| {
        let names = names.of(record);
        let uses = record.files.iter().filter_map(|used| {
            let index = used.file as usize;
            let file = report.files.get(index).filter(|file| !is_left_out(file))?;
            let place = places[index];
            Some(changes.roles(index, file, used).map(move |(role, is_rewritten)| TaskUse {
                file: place,
                path: file.path.clone(),
                role,
                is_shared: used.is_shared,
                is_rewritten,
            }))
        });
        let names = names.unwrap_or_else(|| Names {
            number: record.number,
            id: String::new(),
            attempt: 0,
            name: String::new(),
            actor: None,
            node: None,
            worker: None,
        });
        Task {
            id: names.id,
            attempt: names.attempt,
            name: names.name,
            actor: names.actor,
            node: names.node,
            worker: names.worker,
            pid: record.pid,
            started_ns: record.started_ns,
            ended_ns: record.ended_ns,
            files: uses.flatten().collect(),
        }
    };
    report.tasks.iter().map(task).collect()
}

/// When files were changed.
struct Changes {
    /// For a file by its place in the report: from the first change that a task made to the last.
    by_tasks: FxHashMap<u32, Span>,
    /// For a path that is input and output by the same file: when it was changed first.
    updated: FxHashMap<PathBytes, u64>,
}

impl Changes {
    fn of(report: &TracerReport) -> Self {
        let mut by_tasks: FxHashMap<u32, Span> = FxHashMap::default();
        for used in report.tasks.iter().flat_map(|task| &task.files) {
            if let Some(written) = used.written {
                let known = by_tasks.entry(used.file).or_insert(written);
                known.first_ns = known.first_ns.min(written.first_ns);
                known.last_ns = known.last_ns.max(written.last_ns);
            }
        }
        let updated = report.files.iter().filter(|file| file.prior == Some(tracer_schema::Prior::Kept));
        let updated = updated.map(|file| (file.path.clone(), file.first.map_or(0, |act| act.time_ns)));
        Self { by_tasks, updated: updated.collect() }
    }

    /// Returns what a file was to a task, and for each whether its content became another later.
    fn roles(
        &self,
        index: usize,
        file: &FileSummary,
        used: &TaskFile,
    ) -> impl Iterator<Item = (Role, bool)> + use<> {
        let changed_ns = self.updated.get(&file.path).copied();
        let is_before = file.role == Role::Input || file.role == Role::Deleted;
        let took = used.read.filter(|read| match changed_ns {
            // The file of the input and that of the output are one: the task has read one version, the other, or both.
            Some(changed_ns) if is_before => read.first_ns <= changed_ns,
            Some(changed_ns) => read.last_ns > changed_ns,
            None => true,
        });
        // What a task has written itself and then reads is none of its inputs.
        let is_own =
            |read: &Span| !is_before && used.written.is_some_and(|written| written.first_ns <= read.first_ns);
        let took = took.filter(|read| !is_own(read));
        let made = used.written.filter(|_| !is_before);
        let last_ns = self.by_tasks.get(&(index as u32)).map_or(0, |changed| changed.last_ns);
        let input = took.map(|read| (Role::Input, !is_before && last_ns > read.last_ns));
        let output = made.map(|written| (Role::Output, last_ns > written.last_ns));
        input.into_iter().chain(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_not_finished_is_nothing_and_one_that_cannot_be_read_is_a_gap() {
        let run_dir = tempfile::tempdir().unwrap();
        fs::create_dir(run_dir.path().join(TASKS_DIR)).unwrap();
        let write = r#"{"object":"write","url":"s3://b/k","pid":7,"time_ns":1}"#;
        let gaps = r#"{"gap":"x","pid":9}
{"gap":"y","kind":"untraced_process","pid":8}"#;
        let said =
            format!("{{\"number\":1,\"id\":\"aa\"}}\n{write}\n{{\"object\":\"wri{write}\n{gaps}\n{{\"obj");
        fs::write(run_dir.path().join(TASKS_DIR).join("t.jsonl"), said).unwrap();
        let names = TaskNames::read(run_dir.path());
        assert_eq!((names.names.len(), names.objects().len()), (1, 1));
        let mut coverage = Coverage { complete: true, ..Coverage::default() };
        names.add_gaps(&mut coverage);
        let gaps: Vec<(GapKind, Pid, &str)> =
            coverage.gaps.iter().map(|gap| (gap.kind, gap.pid, gap.detail.as_str())).collect();
        let (objects, workers) = (GapKind::UnseenObjects, GapKind::UntracedProcess);
        let unread = "a line of what a process said cannot be read";
        assert_eq!(gaps, [(objects, 0, unread), (objects, 9, "x"), (workers, 8, "y")]);
        assert!(!coverage.complete);
    }
}
