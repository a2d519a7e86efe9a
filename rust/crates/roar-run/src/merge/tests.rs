//! Parts of a job, and what the whole makes of them.

use tracer_schema::{Coverage, NodeKind, TaskFile, TaskRecord, TracerStats};

use super::*;

fn stamp(mtime_ns: i64) -> FileStamp {
    FileStamp { dev: 1, ino: 7, mode: 0o100_644, nlink: 1, size: 5, mtime_ns, ..FileStamp::default() }
}

fn file(path: &str, role: Role, before: Option<i64>, after: Option<i64>) -> FileSummary {
    FileSummary {
        path: PathBytes::from(path),
        role,
        read: role == Role::Input,
        written: role == Role::Output,
        executed: false,
        created: before.is_none(),
        deleted: false,
        prior: None,
        kind: NodeKind::File,
        renamed_from: None,
        bytes_read: Some(1),
        bytes_written: Some(2),
        pids: vec![],
        before: before.map(stamp),
        content_at: None,
        moved: false,
        after: after.map(stamp),
        first: None,
    }
}

/// Returns the report of a part that began so long after the job, with one task that read each of its files.
fn part(began_ns: i64, files: Vec<FileSummary>) -> TracerReport {
    let read = Some(Span { first_ns: 10, last_ns: 20 });
    let used = |file| TaskFile { file, is_shared: false, read, written: None };
    let task = TaskRecord {
        teller: PathBytes::from("w"),
        number: 1,
        pid: 1,
        started_ns: 5,
        ended_ns: Some(30),
        files: (0..).zip(&files).map(|(index, _)| used(index)).collect(),
    };
    TracerReport {
        version: 1,
        backend: "ptrace".to_owned(),
        command: vec![],
        cwd: PathBytes::default(),
        root_pid: 1,
        started_unix_ns: 1_000 + began_ns,
        duration_ns: 0,
        exit: None,
        coverage: Coverage { complete: true, ..Coverage::default() },
        processes: vec![],
        files,
        tasks: vec![task],
        looked_up: LookupSummaries::default(),
        tracer: TracerStats::default(),
    }
}

/// Returns "role path" of each file, and for each task the paths that it used.
fn merged(parts: Vec<TracerReport>) -> (Vec<String>, Vec<Vec<String>>) {
    let mut parts = parts.into_iter();
    let mut report = parts.next().unwrap();
    merge(&mut report, parts.collect());
    let name = |file: &FileSummary| format!("{:?} {}", file.role, file.path);
    let uses = report
        .tasks
        .iter()
        .map(|task| task.files.iter().map(|used| name(&report.files[used.file as usize])).collect());
    (report.files.iter().map(name).collect(), uses.collect())
}

#[test]
fn what_one_part_makes_and_another_reads_is_no_input() {
    let reader =
        part(0, vec![file("/in", Role::Input, Some(1), None), file("/made", Role::Input, Some(9), None)]);
    let writer = part(0, vec![file("/made", Role::Output, None, Some(9))]);
    for parts in [vec![reader.clone(), writer.clone()], vec![writer, reader]] {
        let (files, mut uses) = merged(parts);
        uses.sort();
        assert_eq!(files, ["Input /in", "Output /made"]);
        assert_eq!(uses, [vec!["Input /in", "Output /made"], vec!["Output /made"]]);
    }
}

#[test]
fn what_was_read_before_another_part_changed_it_is_an_input() {
    let reader = part(0, vec![file("/data", Role::Input, Some(1), None)]);
    let writer = part(0, vec![file("/data", Role::Output, Some(1), Some(9))]);
    let later = part(0, vec![file("/data", Role::Input, Some(9), None)]);
    let (files, uses) = merged(vec![reader, writer, later]);
    assert_eq!(files, ["Input /data", "Output /data"]);
    assert_eq!(uses, [["Input /data"], ["Output /data"], ["Output /data"]]);
}

#[test]
fn two_parts_that_write_one_file_make_one_output_of_the_last_version() {
    let one = part(0, vec![file("/out", Role::Output, None, Some(5))]);
    let other = part(0, vec![file("/out", Role::Output, Some(5), Some(9))]);
    let mut report = other;
    merge(&mut report, vec![one]);
    let [out] = &report.files[..] else { panic!("one file: {:?}", report.files) };
    assert_eq!(
        (out.created, out.after.map(|after| after.mtime_ns), out.bytes_written),
        (true, Some(9), Some(4))
    );
}

#[test]
fn times_of_a_part_are_those_of_the_job() {
    let mut report = part(0, vec![]);
    merge(&mut report, vec![part(100, vec![file("/in", Role::Input, Some(1), None)])]);
    let task = &report.tasks[1];
    assert_eq!((task.started_ns, task.ended_ns), (105, Some(130)));
    assert_eq!(task.files[0].read, Some(Span { first_ns: 110, last_ns: 120 }));
}

#[test]
fn a_file_that_was_there_in_a_way_not_known_was_there() {
    let emptied = FileSummary {
        created: false,
        prior: Some(tracer_schema::Prior::Replaced),
        ..file("/out", Role::Output, None, Some(9))
    };
    let mut report = part(0, vec![emptied]);
    merge(&mut report, vec![part(0, vec![file("/in", Role::Input, Some(1), None)])]);
    let out = report.files.iter().find(|file| file.role == Role::Output).unwrap();
    assert_eq!((out.created, out.prior), (false, Some(tracer_schema::Prior::Replaced)));
}
