//! What is forgotten is as if it had never been recorded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use roar_store::{DATABASE_NAME, Dropped, Store};
use rusqlite::types::Value;
use sample::{file, job, updated};
use tempfile::TempDir;
use tracer_schema::{FileRecord, Role};

/// What is told of files, whatever the rows are called: jobs by their commands, paths and artifacts by what they are.
const FILES: &str = "
    SELECT job.command, job_file.seq, path.path, artifact.hash, previous.hash,
        path_job.command, path_seq, artifact_job.command, artifact_seq, prior_job.command, prior_seq
    FROM job_file JOIN job ON job.id = job_file.job JOIN path ON path.id = job_file.path
        LEFT JOIN artifact ON artifact.id = artifact LEFT JOIN artifact AS previous ON previous.id = prior_artifact
        LEFT JOIN job AS path_job ON path_job.id = job_file.path_job
        LEFT JOIN job AS artifact_job ON artifact_job.id = job_file.artifact_job
        LEFT JOIN job AS prior_job ON prior_job.id = job_file.prior_job
    ORDER BY job.id, job_file.seq";
const PATHS: &str = "
    SELECT path.path, job.command, last_seq FROM path JOIN job ON job.id = last_job ORDER BY path";
const ARTIFACTS: &str = "
    SELECT hash, job.command, last_seq, prior_job.command, last_prior_seq
    FROM artifact LEFT JOIN job ON job.id = last_job LEFT JOIN job AS prior_job ON prior_job.id = last_prior_job
    ORDER BY hash";
const OTHERS: &str = "
    SELECT (SELECT count(*) FROM process), (SELECT count(*) FROM artifact_hash), (SELECT count(*) FROM session),
        (SELECT count(*) FROM job_label)";

fn told(directory: &TempDir) -> Vec<Vec<Value>> {
    let conn = rusqlite::Connection::open(directory.path().join(DATABASE_NAME)).unwrap();
    let broken: i64 =
        conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken, 0);
    let mut rows = Vec::new();
    for statement in [FILES, PATHS, ARTIFACTS, OTHERS] {
        let mut list = conn.prepare(statement).unwrap();
        let width = list.column_count();
        let found = list.query_map([], |row| (0..width).map(|at| row.get(at)).collect()).unwrap();
        rows.extend(found.map(|row| row.unwrap()));
    }
    rows
}

/// Jobs by name: `one` makes `a`, `two` updates it in place and uses it twice, `three` uses both versions under other names.
fn files(name: &str) -> Vec<FileRecord> {
    match name {
        "one" => vec![file("/p/a", Role::Output, 1), file("/p/src", Role::Input, 9)],
        "two" => vec![
            file("/p/a", Role::Input, 1),
            updated("/p/a", 1, 2),
            file("/p/copy", Role::Output, 2),
            file("/p/src", Role::Input, 9),
        ],
        "three" => vec![
            file("/p/copy", Role::Input, 2),
            updated("/p/copy", 2, 1),
            file("/p/a", Role::Input, 2),
            file("/p/new", Role::Output, 5),
        ],
        "apart" => vec![file("/q/in", Role::Input, 20), file("/q/out", Role::Output, 21)],
        name => unreachable!("{name}"),
    }
}

/// Records jobs; `|` ends a session, at 10 for the first, at 20 for the second.
fn recorded(names: &str) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let mut ended = 0;
    for name in names.split(' ') {
        if name == "|" {
            ended += 10;
            assert!(store.end_session(ended).unwrap());
        } else {
            store.record_job(job(name), files(name)).unwrap();
        }
    }
    (directory, store)
}

#[test]
fn a_job_is_forgotten_wherever_it_stands() {
    for (all, forgotten, rest) in [
        ("one two three", "three", "one two"),
        ("one two three", "two", "one three"),
        ("one two three", "one", "two three"),
        ("apart one two", "apart", "one two"),
    ] {
        let (directory, mut store) = recorded(all);
        let jobs = store.jobs(usize::MAX).unwrap();
        let job = jobs.iter().find(|job| job.command[0].as_bytes() == forgotten.as_bytes()).unwrap();
        store.forget(job).unwrap();
        assert_eq!(told(&directory), told(&recorded(rest).0), "{all} without {forgotten}");
    }
}

#[test]
fn the_next_job_has_the_number_of_the_one_that_was_forgotten() {
    let (_directory, mut store) = recorded("one two");
    store.forget(&store.last_job().unwrap().unwrap()).unwrap();
    assert_eq!(store.record_job(job("three"), files("three")).unwrap().step, 2);
}

#[test]
fn without_a_time_every_session_is_kept() {
    let (directory, mut store) = recorded("one | two");
    let before = told(&directory);
    assert_eq!(store.collect_garbage(None, false).unwrap(), Dropped::default());
    assert_eq!(told(&directory), before);
}

#[test]
fn a_session_that_ended_is_dropped_as_a_whole() {
    let (directory, mut store) = recorded("apart | one | two");
    let before = told(&directory);
    let dropped = Dropped { sessions: 1, jobs: 1, artifacts: 2, paths: 2, ..Dropped::default() };
    assert_eq!(store.collect_garbage(Some(15), true).unwrap(), dropped);
    assert_eq!(told(&directory), before);
    assert_eq!(store.collect_garbage(Some(15), false).unwrap(), dropped);
    store.vacuum().unwrap();
    assert_eq!(told(&directory), told(&recorded("one | two").0));
}

#[test]
fn a_job_that_a_kept_one_builds_on_stays() {
    // `three` takes what `two` made, and `two` what `one` made; nobody takes what `apart` made.
    let (directory, mut store) = recorded("one | two apart | three");
    let dropped = store.collect_garbage(Some(100), false).unwrap();
    assert_eq!((dropped.jobs, dropped.needed_jobs, dropped.sessions), (1, 2, 0));
    assert_eq!(told(&directory), told(&recorded("one | two | three").0));
}

#[test]
fn labels_are_set_and_taken_away() {
    let (_directory, mut store) = recorded("one");
    let key = store.last_job().unwrap().unwrap().key;
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    store.change_labels(key, &[label("a", "1"), label("b", "2")], &[]).unwrap();
    store.change_labels(key, &[label("a", "3")], &["b".to_owned(), "c".to_owned()]).unwrap();
    assert_eq!(store.context(key).unwrap().labels, [label("a", "3")]);
}
