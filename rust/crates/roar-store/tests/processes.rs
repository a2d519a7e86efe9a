//! Several processes at once, and processes that are killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use roar_store::{DATABASE_NAME, JobState, ROWS_PER_TRANSACTION, Store};
use sample::{file, job};
use tracer_schema::{FileRecord, Role};

/// Names the directory to the processes that the tests start: this program, running one of the two tests at the end.
const ROAR_DIR: &str = "STORE_TEST_ROAR_DIR";

const JOBS_EACH: u64 = 20;

fn start(test: &str, roar_dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROAR_DIR, roar_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn roar_dir_from_parent() -> Option<PathBuf> {
    let roar_dir = std::env::var_os(ROAR_DIR)?;
    // The parent closes the pipe when all are there.
    std::io::stdin().read_to_end(&mut vec![]).unwrap();
    Some(roar_dir.into())
}

fn files(count: u64) -> Vec<FileRecord> {
    (0..count).map(|at| file(&format!("/p/{at:06}"), Role::Input, at)).collect()
}

fn assert_is_good(roar_dir: &Path) {
    let conn = rusqlite::Connection::open(roar_dir.join(DATABASE_NAME)).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let broken = conn.query_row("PRAGMA foreign_key_check", [], |_| Ok(()));
    assert_eq!(broken, Err(rusqlite::Error::QueryReturnedNoRows));
}

#[test]
fn ten_processes_make_the_store_and_record_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    let mut writers: Vec<Child> =
        (0..10).map(|_| start("a_process_that_records_some_jobs", &roar_dir)).collect();
    for writer in &mut writers {
        drop(writer.stdin.take());
    }
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_is_good(&roar_dir);
    let store = Store::open(&roar_dir).unwrap();
    let steps: Vec<u64> = store.jobs(usize::MAX).unwrap().iter().rev().map(|job| job.step).collect();
    assert_eq!(steps, (1..=10 * JOBS_EACH).collect::<Vec<_>>());
    assert!(store.jobs(usize::MAX).unwrap().iter().all(|job| job.counts.inputs == 50));
    let left: Vec<_> =
        std::fs::read_dir(&roar_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.len() <= 3, "drafts were left: {left:?}");
}

#[test]
fn a_writer_killed_at_any_moment_leaves_a_good_database_with_all_that_it_reported() {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    let mut reported = 0;
    for round in 0..25_u32 {
        let mut writer = start("a_process_that_records_until_it_is_killed", &roar_dir);
        drop(writer.stdin.take());
        let mut lines = BufReader::new(writer.stdout.take().unwrap());
        reported += count_reports(&mut lines, round % 5);
        spin(Duration::from_micros(u64::from(round) * 377 % 9000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        reported += count_reports(&mut lines, u32::MAX);
        // It may have been killed before there was a database.
        let store = Store::open_or_create(&roar_dir).unwrap();
        assert_is_good(&roar_dir);
        let jobs = store.jobs(usize::MAX).unwrap();
        let recorded = jobs.iter().filter(|job| job.state == JobState::Recorded);
        assert!(recorded.clone().count() >= reported, "round {round}");
        for job in recorded.take(3) {
            assert_eq!(store.files(job.key).unwrap().len() as u64, job.counts.inputs);
        }
    }
}

/// Reads reports until there were as many, or the pipe ends.
fn count_reports(lines: &mut BufReader<ChildStdout>, most: u32) -> usize {
    let mut seen = 0;
    let mut line = String::new();
    while (seen as u32) < most {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        seen += usize::from(line.ends_with("recorded\n"));
    }
    seen
}

/// Lets time pass without giving up the processor: shorter than any sleep.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn a_process_that_records_some_jobs() {
    let Some(roar_dir) = roar_dir_from_parent() else {
        return;
    };
    for _ in 0..JOBS_EACH {
        let mut store = Store::open_or_create(&roar_dir).unwrap();
        store.record_job(job("one of many"), files(50)).unwrap();
    }
}

#[test]
fn a_process_that_records_until_it_is_killed() {
    let Some(roar_dir) = roar_dir_from_parent() else {
        return;
    };
    // Bounded, lest it go on for ever where the parent ends first.
    for round in 0..10_000 {
        let mut store = Store::open_or_create(&roar_dir).unwrap();
        let count = if round % 4 == 3 { ROWS_PER_TRANSACTION as u64 + 10 } else { 20 };
        store.record_job(job("until killed"), files(count)).unwrap();
        println!("recorded");
    }
}

#[test]
fn threads_that_make_the_store_at_the_same_moment_all_have_it() {
    for _ in 0..60 {
        let directory = tempfile::tempdir().unwrap();
        let roar_dir = directory.path().join(".roar");
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    Store::open_or_create(&roar_dir).unwrap();
                });
            }
        });
    }
}
