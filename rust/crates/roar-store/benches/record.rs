//! What recording costs. `cargo bench -p roar-store`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends at the first error"
)]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/sample/mod.rs"]
mod sample;

use std::time::{Duration, Instant};

use roar_store::{CachedHash, Store};
use sample::{file, job};
use tracer_schema::{FileRecord, FileStamp, Role};

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    let (_, made) = timed(|| Store::open_or_create(&roar_dir).unwrap());
    println!("make the database: {made:?}");

    small_jobs(&roar_dir, "small jobs, empty store");
    for count in [20_000, 50_000] {
        let files = files(count, "/big");
        let (_, first) =
            timed(|| Store::open(&roar_dir).unwrap().record_job(job("big"), files.clone()).unwrap());
        let (_, again) = timed(|| Store::open(&roar_dir).unwrap().record_job(job("big"), files).unwrap());
        println!("{count} files: {first:?}, again {again:?}");
    }
    for many in 0..20 {
        let files = files(10_000, &format!("/many/{many}"));
        Store::open(&roar_dir).unwrap().record_job(job("many"), files).unwrap();
    }
    small_jobs(&roar_dir, "small jobs after 340,000 files");
    let (_, late) =
        timed(|| Store::open(&roar_dir).unwrap().record_job(job("late"), files(20_000, "/late")).unwrap());
    println!("20000 files after 340,000 files: {late:?}");

    let store = Store::open(&roar_dir).unwrap();
    let last = store.last_job().unwrap().unwrap();
    let (report, read) = timed(|| store.report(last.key).unwrap());
    println!("report of {} files: {read:?}", report.files.len());
    println!("list of 100 jobs: {:?}", timed(|| store.jobs(100).unwrap()).1);
    drop(store);
    hash_cache(&roar_dir);
}

fn small_jobs(roar_dir: &std::path::Path, name: &str) {
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            timed(|| Store::open(roar_dir).unwrap().record_job(job("small"), files(5, "/small")).unwrap()).1
        })
        .collect();
    times.sort();
    println!("{name}: median {:?}, 95 % {:?}, longest {:?}", times[100], times[190], times[199]);
}

fn hash_cache(roar_dir: &std::path::Path) {
    let stamps: Vec<FileStamp> =
        (1..=20_000).map(|ino| FileStamp { dev: 1, ino, size: 120, ..FileStamp::default() }).collect();
    let hashes: Vec<CachedHash> = stamps
        .iter()
        .map(|stamp| CachedHash {
            stamp: *stamp,
            hashed_at_unix_ns: i64::MAX / 2,
            hashes: sample::blake3(stamp.ino),
        })
        .collect();
    let mut store = Store::open(roar_dir).unwrap();
    println!("remember 20000 hashes: {:?}", timed(|| store.hash_cache_put(&hashes).unwrap()).1);
    let (found, time) = timed(|| store.hash_cache_lookup(&stamps).unwrap());
    println!("look up {} hashes: {time:?}", found.iter().flatten().count());
}

fn files(count: u64, folder: &str) -> Vec<FileRecord> {
    (0..count).map(|at| file(&format!("{folder}/d{:03}/file-{at}.csv", at / 100), Role::Input, at)).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
