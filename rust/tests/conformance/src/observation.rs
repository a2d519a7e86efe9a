//! Programs that say what they see, run without roar and under it: what they say must be the same, byte for byte.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::backend::{self, BARE};
use crate::process::{self, Ending, TIME_LIMIT};
use crate::report::Report;
use crate::run::{Bench, Verdict, path_variable};
use crate::world::{World, create};

/// One program in one situation.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// A sentence with underscores, unique.
    pub name: &'static str,
    /// The program of `programs/`, or the command, and its arguments.
    pub command: &'static [&'static str],
    /// Options of the program `launch`; none: it is not used.
    pub launch: &'static [&'static str],
    /// A shell script in which `"$@"` is the command, with roar before it or without.
    pub shell: Option<&'static str>,
    /// Whether roar is told to say nothing; where its words go nowhere, it is not told.
    pub quiet: bool,
}

impl Observation {
    /// An observation of the command as it is.
    pub const fn new(name: &'static str, command: &'static [&'static str]) -> Self {
        Self { name, command, launch: &[], shell: None, quiet: true }
    }

    /// The same, started by `launch` with options.
    pub const fn launched(self, launch: &'static [&'static str]) -> Self {
        Self { launch, ..self }
    }

    /// The same, within a shell script.
    pub const fn within(self, shell: &'static str) -> Self {
        Self { shell: Some(shell), ..self }
    }

    /// The same, with roar free to say what it has to say.
    pub const fn loud(self) -> Self {
        Self { quiet: false, ..self }
    }
}

/// All that comes out of a run.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    ending: Ending,
    stdout: String,
    stderr: String,
}

/// Compares two runs without roar, which shows that the observation itself is reliable, or one without and one with it.
pub fn observe(bench: &Bench, observation: &Observation, backend: &'static str) -> Result<Verdict> {
    if backend != BARE
        && let Some(verdict) = backend::judge_availability(&bench.target_dir, backend)?
    {
        return Ok(verdict);
    }
    let world = World::new()?;
    let expected = run_once(bench, observation, BARE, &world)?;
    fs::remove_dir_all(world.root())
        .and_then(|()| fs::create_dir(world.root()))
        .map_err(|error| error.to_string())?;
    let mut actual = run_once(bench, observation, backend, &world)?;
    for said in [&mut actual.stdout, &mut actual.stderr] {
        *said = without_allowed(said, backend);
    }
    if let Some(words) = difference(&expected, &actual) {
        return Err(words);
    }
    if backend != BARE {
        let json =
            fs::read(world.base().join("report.json")).map_err(|error| format!("no report: {error}"))?;
        let faults = Report::parse(&json)?.faults(backend::tracer(backend));
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
    }
    Ok(Verdict::Passed)
}

/// Returns what a program said without the lines that it may say under a backend and not without roar, as the documentation tells: with
/// preload, the variables that bring the library along.
fn without_allowed(said: &str, backend: &str) -> String {
    const ALLOWED: [&str; 2] = ["environment LD_PRELOAD=", "environment ROAR_PRELOAD="];
    if backend::tracer(backend) != "preload" {
        return said.to_owned();
    }
    let is_allowed = |line: &&str| ALLOWED.iter().any(|start| line.starts_with(start));
    said.split_inclusive('\n').filter(|line| !is_allowed(line)).collect()
}

fn run_once(bench: &Bench, observation: &Observation, backend: &str, world: &World) -> Result<Outcome> {
    let words = words(bench, observation, backend, world)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(world.root()).env_clear().stdin(Stdio::null());
    command.envs([path_variable(), ("HOME".to_owned(), world.base().join("home").display().to_string())]);
    command.envs(backend::variables(backend).iter().copied());
    let (stdout, stderr) = (world.base().join("stdout"), world.base().join("stderr"));
    command.stdout(create(&stdout)?).stderr(create(&stderr)?);
    let ending = process::run(&mut command, TIME_LIMIT, |_| Ok(()))?;
    let read = |path: &Path| {
        fs::read(path).map_or(String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Outcome { ending, stdout: read(&stdout), stderr: read(&stderr) })
}

/// Returns shell, launcher, roar and command, each where it is asked for.
fn words(bench: &Bench, observation: &Observation, backend: &str, world: &World) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
    if let Some(shell) = observation.shell {
        add(&["sh", "-c", shell, "sh"]);
    }
    if !observation.launch.is_empty() {
        let launcher = bench.programs.file("launch")?;
        add(&[&launcher.to_string_lossy()]);
        add(observation.launch);
        add(&["--"]);
    }
    if backend != BARE {
        let roar = backend::roar_binary(&bench.target_dir)?;
        add(&[&roar.to_string_lossy(), "run"]);
        add(if observation.quiet { &["-q"] } else { &[] });
        add(&["--tracer", backend::tracer(backend), "--no-tracer-fallback", "--no-hash", "--report"]);
        add(&[&world.base().join("report.json").to_string_lossy(), "--"]);
    }
    let (program, arguments) = (observation.command[0], &observation.command[1..]);
    match bench.programs.command(program) {
        Ok(command) => words.extend(command),
        Err(_) => words.push(program.to_owned()),
    }
    words.extend(arguments.iter().map(|&word| word.to_owned()));
    Ok(words)
}

fn difference(expected: &Outcome, actual: &Outcome) -> Option<String> {
    if expected == actual {
        return None;
    }
    let mut lines = vec!["it is not the same as without roar:".to_owned()];
    if expected.ending != actual.ending {
        lines.extend([format!("- {:?}", expected.ending), format!("+ {:?}", actual.ending)]);
    }
    for (name, expected, actual) in
        [("stdout", &expected.stdout, &actual.stdout), ("stderr", &expected.stderr, &actual.stderr)]
    {
        if expected != actual {
            lines.push(format!("--- {name}"));
            lines.extend(first_differences(expected, actual));
        }
    }
    Some(lines.join("\n"))
}

/// Returns the lines that are in only one of the texts, in their order, and no more than a person will read.
fn first_differences(expected: &str, actual: &str) -> Vec<String> {
    const READABLE: usize = 40;
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let missing = expected.iter().filter(|line| !actual.contains(line)).map(|line| format!("- {line}"));
    let added = actual.iter().filter(|line| !expected.contains(line)).map(|line| format!("+ {line}"));
    let lines: Vec<String> = missing.chain(added).take(READABLE).collect();
    if lines.is_empty() { vec!["(the same lines in another order)".to_owned()] } else { lines }
}
