//! Reports of several tracers that have each seen a part of one job, put together.
//!
//! Each has seen its own processes alone, so what the one calls an input may be what another has written. The job's inputs are files from
//! before the job: a path that a part has made is none, and one that a part has changed is one where it was read as it was before that.

use std::mem;

use rustc_hash::FxHashMap;
use tracer_schema::{
    FileStamp, FileSummary, LookupKind, LookupSummaries, PathBytes, Role, Span, TracerReport,
};

/// Where a file of a part went.
type Place = usize;

/// Adds to the report of a job what was seen in other parts of it.
pub(crate) fn merge(report: &mut TracerReport, mut parts: Vec<TracerReport>) {
    for part in &mut parts {
        shift(part, part.started_unix_ns - report.started_unix_ns);
    }
    let mut merged = Merged::default();
    for part in std::iter::once(&*report).chain(&parts) {
        merged.outputs(&part.files);
    }
    let mut all = std::iter::once(&mut *report).chain(&mut parts);
    let places: Vec<Vec<Place>> = all
        .by_ref()
        .map(|part| mem::take(&mut part.files).into_iter().map(|file| merged.add(file)).collect())
        .collect();
    let order = merged.sort();
    for (part, places) in std::iter::once(&mut *report).chain(&mut parts).zip(places) {
        for used in part.tasks.iter_mut().flat_map(|task| &mut task.files) {
            used.file = order[places[used.file as usize]];
        }
    }
    report.files = merged.files;
    for mut part in parts {
        add_lookups(&mut report.looked_up, part.looked_up);
        report.tasks.append(&mut part.tasks);
        report.processes.append(&mut part.processes);
        report.coverage.complete &= part.coverage.complete;
        report.coverage.events_lost += part.coverage.events_lost;
        report.coverage.gaps.append(&mut part.coverage.gaps);
        report.tracer.events += part.tracer.events;
        report.tracer.overhead_ns += part.tracer.overhead_ns;
    }
    settle_lookups(report);
}

/// Adds what another part looked up. A kind counts as seen where every part sees it.
fn add_lookups(all: &mut LookupSummaries, part: LookupSummaries) {
    all.kinds.retain(|kind| part.kinds.contains(kind));
    all.found.extend(part.found);
    all.left_out += part.left_out;
}

/// What a part looked for in vain, and another has made, tells nothing of the world before the job. Sorts the rest.
fn settle_lookups(report: &mut TracerReport) {
    let TracerReport { looked_up: LookupSummaries { found, .. }, files, .. } = report;
    let is_of_job = |path: &PathBytes| files.binary_search_by(|file| file.path.cmp(path)).is_ok();
    found.retain(|lookup| lookup.kind != LookupKind::Absent || !is_of_job(&lookup.path));
    found.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
    found.dedup_by(|one, other| (&one.path, one.kind) == (&other.path, other.kind));
}

/// Gives the times of a part as they are since the start of the job.
fn shift(part: &mut TracerReport, by_ns: i64) {
    let later = |time_ns: &mut u64| *time_ns = time_ns.saturating_add_signed(by_ns);
    let later_span = |span: &mut Option<Span>| {
        if let Some(Span { first_ns, last_ns }) = span {
            later(first_ns);
            later(last_ns);
        }
    };
    for process in &mut part.processes {
        later(&mut process.started_ns);
        process.ended_ns.iter_mut().for_each(later);
    }
    for file in &mut part.files {
        file.first.iter_mut().for_each(|act| later(&mut act.time_ns));
    }
    for task in &mut part.tasks {
        later(&mut task.started_ns);
        task.ended_ns.iter_mut().for_each(later);
        for used in &mut task.files {
            later_span(&mut used.read);
            later_span(&mut used.written);
        }
    }
}

#[derive(Default)]
struct Merged {
    files: Vec<FileSummary>,
    by_name: FxHashMap<(PathBytes, Role), Place>,
    /// What was at a path before the job that a part has changed; `None` where nothing was.
    before: FxHashMap<PathBytes, Option<FileStamp>>,
}

/// Returns whether two stamps are of one version of a file. Nodes may number devices differently.
fn is_same_version(one: &FileStamp, other: &FileStamp) -> bool {
    (one.ino, one.size, one.mtime_ns) == (other.ino, other.size, other.mtime_ns)
}

impl Merged {
    /// Takes note of what a part has changed.
    fn outputs(&mut self, files: &[FileSummary]) {
        let is_changed = |file: &&FileSummary| matches!(file.role, Role::Output | Role::Temporary);
        // Of a file that was there, and of which it is not known how, nothing can be told by that.
        let is_known = |file: &&FileSummary| file.created || file.before.is_some();
        for file in files.iter().filter(is_changed).filter(is_known) {
            let before = if file.created { None } else { file.before };
            let known = self.before.entry(file.path.clone()).or_insert(before);
            // Of two parts that found something there, the one found what the other had left.
            *known = match (*known, before) {
                (Some(one), Some(other)) => Some(if one.mtime_ns <= other.mtime_ns { one } else { other }),
                _ => None,
            };
        }
    }

    /// Adds a file of a part, and returns where it went.
    fn add(&mut self, mut file: FileSummary) -> Place {
        if file.role == Role::Input
            && let Some(before) = self.before.get(&file.path)
        {
            let is_from_before =
                before.zip(file.before).is_some_and(|(one, other)| is_same_version(&one, &other));
            if !is_from_before {
                return self.read_of_own(file);
            }
            // Another part has changed it since: what was read is there no more.
            file.content_at = None;
        }
        if file.role == Role::Output && self.before.get(&file.path).is_some_and(Option::is_none) {
            (file.created, file.prior) = (true, None);
        }
        match self.by_name.get(&(file.path.clone(), file.role)) {
            Some(place) => {
                unite(&mut self.files[*place], file);
                *place
            }
            None => self.push(file),
        }
    }

    fn push(&mut self, file: FileSummary) -> Place {
        self.by_name.insert((file.path.clone(), file.role), self.files.len());
        self.files.push(file);
        self.files.len() - 1
    }

    /// A part has read what another has written: no input of the job.
    fn read_of_own(&mut self, file: FileSummary) -> Place {
        let known = |role| self.by_name.get(&(file.path.clone(), role)).copied();
        let place = known(Role::Output).or_else(|| known(Role::Temporary));
        // The part that wrote it may come later; then it is united with this.
        let place = place.unwrap_or_else(|| {
            let FileSummary { before, .. } = file;
            let made = FileSummary {
                role: Role::Output,
                created: true,
                after: before,
                before: None,
                content_at: None,
                first: None,
                ..file.clone()
            };
            self.push(made)
        });
        let known = &mut self.files[place];
        known.read = true;
        known.bytes_read =
            known.bytes_read.zip(file.bytes_read).map(|(one, other)| one.saturating_add(other));
        add_pids(known, &file);
        place
    }

    /// Puts the files into the order of reports; returns for each place the one that it has then.
    fn sort(&mut self) -> Vec<u32> {
        let mut order: Vec<Place> = (0..self.files.len()).collect();
        order.sort_by(|one, other| {
            let key = |place: Place| (self.files[place].path.as_bytes(), self.files[place].role);
            key(*one).cmp(&key(*other))
        });
        let mut now = vec![0; order.len()];
        for (index, place) in (0..).zip(&order) {
            now[*place] = index;
        }
        let mut files: Vec<Option<FileSummary>> = mem::take(&mut self.files).into_iter().map(Some).collect();
        self.files = order.iter().filter_map(|place| files[*place].take()).collect();
        now
    }
}

fn add_pids(file: &mut FileSummary, other: &FileSummary) {
    file.pids.extend(&other.pids);
    file.pids.sort_unstable();
    file.pids.dedup();
}

/// Adds what another part saw of a file in the same role.
fn unite(file: &mut FileSummary, other: FileSummary) {
    let sum =
        |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one.saturating_add(other));
    add_pids(file, &other);
    file.read |= other.read;
    file.written |= other.written;
    file.executed |= other.executed;
    file.bytes_read = sum(file.bytes_read, other.bytes_read);
    file.bytes_written = sum(file.bytes_written, other.bytes_written);
    file.content_at = file.content_at.take().or(other.content_at);
    file.moved |= other.moved;
    // The last to look has seen the last version.
    let is_newer = |one: &FileStamp, other: &FileStamp| other.mtime_ns > one.mtime_ns;
    file.after = match (file.after, other.after) {
        (Some(one), Some(other)) if !is_newer(&one, &other) => Some(one),
        (one, other) => other.or(one),
    };
    file.first = match (file.first, other.first) {
        (Some(one), Some(other)) => Some(if other.time_ns < one.time_ns { other } else { one }),
        (one, other) => one.or(other),
    };
}

#[cfg(test)]
mod tests;
