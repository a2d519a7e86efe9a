//! What questions cost in a large store: 1,000,000 artifacts in 50,000 jobs, whose answers go to a pipe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xshell::cmd;

use super::Effort;
use super::measure::{Times, ms};
use super::table::Table;
use crate::{env, workspace};

const ROUNDS: usize = 11;
const ROUNDS_QUICK: usize = 3;

const JOBS: u64 = 50_000;

/// Fields of proc_pid_stat(5): times of children that were waited for, in user and kernel mode.
const CUTIME: usize = 16;
const CSTIME: usize = 17;

/// `USER_HZ` is 100 on every architecture that roar knows.
const MS_PER_TICK: f64 = 10.0;

/// Stands for an artifact that comes from a hundred steps.
const DEEP: &str = "DEEP";

/// What is asked, and the milliseconds in which a person is to have the whole answer.
const QUESTIONS: &[(&[&str], u64)] = &[
    (&["status"], 100),
    (&["log"], 100),
    (&["show", "@last"], 100),
    (&["show", DEEP], 100),
    (&["lineage", DEEP], 100),
    (&["inputs", DEEP], 100),
    (&["dag", "--json"], 2_000),
];

pub(super) fn run(effort: Effort) -> Result<Value> {
    let (folder, deep) = store(effort.size(JOBS))?;
    let database_bytes = fs::metadata(folder.join(".roar/roar.db")).context("the database")?.len();
    println!("database: {:.1} MB", database_bytes as f64 / 1e6);
    let header = ["", "median ms", "min ms", "processor ms", "limit ms", "answer kB"];
    let mut table = Table::new(header.map(str::to_owned).to_vec());
    let mut results = Vec::new();
    for (words, limit_ms) in QUESTIONS {
        let words: Vec<&str> = words.iter().map(|word| if *word == DEEP { &deep } else { *word }).collect();
        let (_, bytes) = ask(&words, &folder)?;
        let rounds = effort.rounds(ROUNDS, ROUNDS_QUICK);
        let busy_before = busy_ms()?;
        let times = (0..rounds).map(|_| ask(&words, &folder).map(|(time, _)| time));
        let times = Times::new(times.collect::<Result<Vec<Duration>>>()?);
        let busy_ms = (busy_ms()? - busy_before) / rounds as f64;
        let figures = [ms(times.median()), ms(times.min()), busy_ms].map(|figure| format!("{figure:.1}"));
        let mut row = vec![format!("roar {}", words.join(" "))];
        row.extend(figures);
        row.extend([limit_ms.to_string(), (bytes / 1000).to_string()]);
        table.push(row);
        let mut result = times.json();
        result["processor_ms"] = json!(busy_ms);
        results.push(json!({ "question": words, "bytes": bytes, "limit_ms": limit_ms, "times": result }));
    }
    print!("{table}");
    Ok(json!({ "database_bytes": database_bytes, "questions": results }))
}

/// Makes the store below the target folder, unless it is there, and returns where it is, with the path of the deep artifact.
fn store(jobs: u64) -> Result<(PathBuf, String)> {
    let folder = workspace::target(&format!("bench/large-{jobs}"));
    let said = folder.join("deep");
    if let Ok(deep) = fs::read_to_string(&said) {
        return Ok((folder, deep));
    }
    let shell = workspace::shell()?;
    shell.remove_path(&folder)?;
    let (manifest, jobs) = (workspace::root().join("Cargo.toml"), jobs.to_string());
    let example = ["--locked", "--release", "-p", "roar-store", "--example", "large"];
    let deep = cmd!(shell, "cargo run --manifest-path {manifest} {example...} -- {folder} {jobs}").read()?;
    // Written last: it says that the store is whole.
    fs::write(&said, deep.trim()).with_context(|| said.display().to_string())?;
    Ok((folder, deep.trim().to_owned()))
}

/// Returns how long the processors have worked for programs that this one has waited for: what a question costs, whatever
/// else the machine does meanwhile. The kernel counts to ten milliseconds, which the rounds make good.
fn busy_ms() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?;
    // The name of the program, in parentheses, may have blanks in it. Fields are counted from 1, and it is the second.
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat has no name in it")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at - 3).and_then(|ticks| ticks.parse::<f64>().ok());
    let both = ticks(CUTIME).zip(ticks(CSTIME)).context("/proc/self/stat has no times of children")?;
    Ok((both.0 + both.1) * MS_PER_TICK)
}

/// Returns how long an answer takes to the end of the process, and its length.
fn ask(words: &[&str], folder: &Path) -> Result<(Duration, u64)> {
    let mut command = Command::new(workspace::roar());
    command.args(words).current_dir(folder).env(env::HOME, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().context("failed to start roar")?;
    let mut answer = child.stdout.take().context("an answer")?;
    let bytes = io::copy(&mut answer, &mut io::sink()).context("reading an answer")?;
    let status = child.wait()?;
    let time = start.elapsed();
    ensure!(status.success(), "`roar {}` ended with {status}", words.join(" "));
    Ok((time, bytes))
}
