//! Makes a large store: `cargo run --release -p roar-store --example large DIR [JOBS]`.
//!
//! 50,000 jobs of 20 outputs each unless said otherwise, which are 1,000,000 artifacts: pipelines of 100 steps, each of which takes
//! five files from the step before and five from the one before that, the same script and the same configuration. One job in fifty
//! is an earlier command again, with other results. Says an artifact that comes from as many steps as any.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "ends at the first error, and says what it did"
)]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/sample/mod.rs"]
mod sample;

use std::path::PathBuf;

use roar_store::{NewJob, Store};
use sample::{file, job};
use tracer_schema::{FileRecord, PathBytes, Role};

/// Steps of one pipeline.
const STEPS: u64 = 100;

/// Files that each step makes.
const OUTPUTS: u64 = 20;

/// Files that each step takes from each of the two before it.
const TAKEN: u64 = 5;

/// One job in so many runs an earlier command again.
const AGAIN: u64 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap());
    let jobs: u64 = arguments.next().map_or(50_000, |jobs| jobs.parse().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    let mut store = Store::open_or_create(&directory.join(".roar")).unwrap();
    for at in 0..jobs {
        let (job, files) = step(at);
        store.record_job(job, files).unwrap();
    }
    // The last step of the last pipeline is one that was run again, in place of that of the pipeline before.
    let deep = jobs.saturating_sub(2);
    println!("{}", output(deep / STEPS, deep % STEPS, 0));
}

fn output(pipeline: u64, step: u64, number: u64) -> String {
    format!("/p/pipeline-{pipeline}/step-{step}/part-{number:03}.csv")
}

/// Returns a number that the content of an output depends on.
fn seed(pipeline: u64, step: u64, number: u64) -> u64 {
    ((pipeline * STEPS + step) * OUTPUTS + number) * 2 + 10
}

fn step(at: u64) -> (NewJob, Vec<FileRecord>) {
    let is_again = at % AGAIN == AGAIN - 1 && at > STEPS;
    let place = if is_again { at - STEPS } else { at };
    let (pipeline, step) = (place / STEPS, place % STEPS);
    let mut files = vec![file("/p/step.py", Role::Input, 1), file("/p/config.toml", Role::Input, 2)];
    for back in 1..=step.min(2) {
        let taken = (0..TAKEN).map(|number| {
            file(&output(pipeline, step - back, number), Role::Input, seed(pipeline, step - back, number))
        });
        files.extend(taken);
    }
    let other = u64::from(is_again);
    let made = (0..OUTPUTS).map(|number| {
        file(&output(pipeline, step, number), Role::Output, seed(pipeline, step, number) + other)
    });
    files.extend(made);
    let mut job = job(&format!("python step.py --pipeline {pipeline} --step {step}"));
    job.cwd = PathBytes::from("/p");
    job.started_unix_ns += i64::try_from(at).unwrap() * 1_000_000_000;
    // What a step finds is of the second before it.
    for input in files.iter_mut().filter(|file| file.role == Role::Input) {
        input.since_unix_ns = Some(job.started_unix_ns - 900_000_000);
    }
    (job, files)
}
