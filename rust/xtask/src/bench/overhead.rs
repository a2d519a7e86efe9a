//! The overhead of tracing, beside the two ways that strace has to watch the same command.

use std::iter;
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::Effort;
use super::measure::{Contestant, Series, Times, interleave, ms};
use super::scratch::Scratch;
use super::table::Table;
use super::workload::{WORKLOADS, Workload, prepare};
use crate::workspace;

const ROUNDS: usize = 7;
const ROUNDS_QUICK: usize = 3;

/// The backends that are measured, each under its name.
const BACKENDS: &[&str] = &["ebpf", "preload", "ptrace"];

/// A command that is not watched, while another one is.
const BESIDE_EBPF: &str = "beside-ebpf";

/// strace as it is usually run, stopping at every call.
const STRACE: &[&str] = &["strace", "-f", "-o", "/dev/null"];

/// strace with a filter in the kernel, for the calls that a tracer of files needs: the fair comparison.
const STRACE_SECCOMP: &[&str] =
    &["strace", "-f", "--seccomp-bpf", "-e", "trace=file,desc,process", "-o", "/dev/null"];

/// Measures the workloads of these names, or all, under the tools of those names, with commas between, or all.
pub(super) fn run(effort: Effort, names: &[&str], tools: Option<&str>) -> Result<Value> {
    let chosen = choose(names)?;
    let scratch = Scratch::temporary()?;
    prepare(&scratch)?;
    let mut watchers = watchers();
    if let Some(tools) = tools {
        watchers.retain(|watcher| tools.split(',').any(|tool| tool == watcher.name));
        ensure!(!watchers.is_empty(), "none of the tools `{tools}` is here");
    }
    let mut header = vec!["workload".to_owned(), "bare ms".to_owned()];
    header.extend(watchers.iter().flat_map(|watcher| {
        let whole = format!("{} × (min)", watcher.name);
        iter::once(whole).chain(watcher.is_roar.then(|| "within × (min)".to_owned()))
    }));
    let mut table = Table::new(header);
    let mut results = Vec::new();
    for workload in chosen {
        eprintln!("{}: {}", workload.name, workload.about);
        let series = measure(workload, effort, &watchers, &scratch)?;
        table.push(row(workload, &series));
        results.push(result(workload, &series));
    }
    print!("{table}");
    Ok(Value::Array(results))
}

fn choose(names: &[&str]) -> Result<Vec<&'static Workload>> {
    if names.is_empty() {
        return Ok(WORKLOADS.iter().collect());
    }
    let find = |name: &&str| match WORKLOADS.iter().find(|workload| workload.name == *name) {
        Some(workload) => Ok(workload),
        None => {
            let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
            bail!("no workload `{name}`; there are {}, and hash and startup", known.join(", "))
        }
    };
    names.iter().map(find).collect()
}

/// A way to watch a command.
struct Watcher {
    name: &'static str,
    /// What goes before the command.
    words: Vec<String>,
    is_roar: bool,
    /// Whether the words go before another command, which runs meanwhile.
    is_beside: bool,
}

impl Watcher {
    fn new(name: &'static str, words: &[&str], is_roar: bool) -> Self {
        Self { name, words: words.iter().map(|&word| word.to_owned()).collect(), is_roar, is_beside: false }
    }

    fn beside(name: &'static str, words: &[&str]) -> Self {
        Self { is_beside: true, ..Self::new(name, words, false) }
    }

    fn contestant(&self, command: &[String]) -> Contestant {
        if self.is_beside {
            return Contestant::new(self.name, command).beside(&self.words);
        }
        let contestant = Contestant::new(self.name, self.words.iter().chain(command));
        if self.is_roar { contestant.of_roar() } else { contestant }
    }
}

/// Returns the ways there are here.
fn watchers() -> Vec<Watcher> {
    let roar = workspace::roar().display().to_string();
    let words =
        |backend| [&roar, "run", "--tracer", backend, "--no-tracer-fallback", "--no-hash", "-q", "--"];
    // Another backend in its place would be measured under its name.
    let works = |backend: &str| {
        let mut check = Command::new(&roar);
        check.args(["tracer", "check", backend]).stdout(Stdio::null());
        let works = check.status().is_ok_and(|status| status.success());
        if !works {
            eprintln!("{backend} is left out: `roar tracer check {backend}` says why it cannot be used here");
        }
        works
    };
    let backends = BACKENDS.iter().filter(|backend| works(backend));
    let mut watchers: Vec<Watcher> =
        backends.map(|backend| Watcher::new(backend, &words(backend), true)).collect();
    // The one backend that other processes notice.
    if watchers.iter().any(|watcher| watcher.name == "ebpf") {
        watchers.push(Watcher::beside(BESIDE_EBPF, &words("ebpf")));
    }
    let runs = |program: &str| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if runs("strace") {
        watchers.push(Watcher::new("strace", STRACE, false));
        watchers.push(Watcher::new("strace --seccomp-bpf", STRACE_SECCOMP, false));
    } else {
        eprintln!("no strace here: roar is compared with nothing but the bare command");
    }
    watchers
}

fn measure(
    workload: &Workload,
    effort: Effort,
    watchers: &[Watcher],
    scratch: &Scratch,
) -> Result<Vec<Series>> {
    let command = workload.command(effort, scratch)?;
    let mut contestants = vec![Contestant::new("bare", &command)];
    contestants.extend(watchers.iter().map(|watcher| watcher.contestant(&command)));
    interleave(&contestants, effort.rounds(ROUNDS, ROUNDS_QUICK), scratch)
}

fn row(workload: &Workload, series: &[Series]) -> Vec<String> {
    let [bare, traced @ ..] = series else {
        return Vec::new();
    };
    let ratio = |times: &Times| {
        let median = ms(times.median()) / ms(bare.whole.median());
        let min = ms(times.min()) / ms(bare.whole.min());
        format!("{median:.2} ({min:.2})")
    };
    let mut row = vec![workload.name.to_owned(), format!("{:.1}", ms(bare.whole.median()))];
    for series in traced {
        row.push(ratio(&series.whole));
        if let Some(within) = &series.within {
            row.push(ratio(within));
        }
    }
    row
}

fn result(workload: &Workload, series: &[Series]) -> Value {
    let tools: Map<String, Value> =
        series.iter().map(|series| (series.name.to_owned(), series.json())).collect();
    json!({ "workload": workload.name, "about": workload.about, "tools": tools })
}
