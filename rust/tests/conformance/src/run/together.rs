//! Many cases in one run: one after another below a single `roar run`, for a machine on which the start of a tracer takes seconds. What a
//! case expects is compared with the part of the report that is about its own directories.
//!
//! The command of that run is the test program itself, which starts the cases from a list ([`drive`]).

use std::collections::HashMap;
use std::fs;
use std::iter::successors;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, set_child_subreaper, wait};
use serde::{Deserialize, Serialize};

use super::{Bench, Trial, UNSUPPORTED, Verdict, find_missing, run_case};
use crate::Result;
use crate::backend::{self, BARE, is_required};
use crate::case::{Case, ExpectedExit};
use crate::pattern::escape;
use crate::process::{self, Ending, TIME_LIMIT};
use crate::report::{Exit, Gap, Report};
use crate::world::{World, create};

/// Makes the test program start the cases of a list: `PROGRAM --drive LIST ENDINGS`.
pub const DRIVE: &str = "--drive";

/// For all cases and the start of the tracer; an emulated machine with busy processors takes two minutes.
const TIME_LIMIT_TOGETHER: Duration = Duration::from_secs(600);

/// One case as the command of the run starts it.
#[derive(Debug, Deserialize, Serialize)]
struct Step {
    words: Vec<String>,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How the command of a case ended, and which process it was.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Ended {
    pid: u32,
    ending: Ending,
}

/// What a tracer says of a gap about which nothing can be done on this machine.
const NOT_TOLD: &str = "this kernel does not tell";

/// What became of a run of many cases.
#[derive(Debug)]
pub struct Together {
    /// What is wrong with the run or its report as a whole.
    pub faults: Vec<String>,
    /// The verdicts, by the names of the cases; none if there is no report.
    verdicts: HashMap<String, Result<Verdict>>,
}

impl Together {
    /// Returns the verdict on a case.
    pub fn verdict(&self, case: &Case) -> Result<Verdict> {
        let none = || Ok(Verdict::Skipped("the run of all cases has failed".to_owned()));
        self.verdicts.get(&case.name).cloned().unwrap_or_else(none)
    }
}

/// Returns whether a case can be one of many: it is about its command alone, and not about roar, what surrounds it and how it ends.
pub fn is_possible(case: &Case, backend: &str) -> bool {
    let is_given = [&case.stdin, &case.stdout, &case.stderr].into_iter().any(Option::is_some);
    let difference = case.difference_under(backend);
    let gaps = difference.and_then(|difference| difference.gaps.as_ref()).unwrap_or(&case.gaps);
    !is_given && case.send.is_none() && case.report && gaps.is_empty() && !case.slow
}

/// Runs the cases under a backend.
pub fn run_together(bench: &Bench, cases: &[&Case], backend: &'static str) -> Result<Together> {
    // The working directory of the run is above all others, so that they are of its project: files elsewhere in the place for temporary
    // files are filtered.
    let place = World::new()?;
    let mut verdicts = HashMap::new();
    let mut trials = Vec::new();
    for &case in cases {
        match find_missing(case) {
            Some(missing) => drop(verdicts.insert(case.name.clone(), Ok(Verdict::Skipped(missing.words)))),
            None => match ready(bench, case, backend, &place) {
                Ok(trial) => trials.push(trial),
                Err(words) => drop(verdicts.insert(case.name.clone(), Err(words))),
            },
        }
    }
    let (endings, words) = run_all(bench, &trials, backend, &place)?;
    if endings.len() < trials.len() {
        let next = trials.get(endings.len()).map_or("", |trial| trial.case.name.as_str());
        return Ok(Together {
            faults: vec![format!("it ended before {next}: {words}")],
            verdicts: HashMap::new(),
        });
    }
    let mut faults = Vec::new();
    let report = if backend == BARE { None } else { Some(read_report(&place, &words)?) };
    let mut parts = Parts::default();
    if let Some(report) = &report {
        faults.extend(report.faults(backend::tracer(backend)));
        parts = take_apart(report, &trials, &endings);
        faults.extend(parts.gaps.iter().map(|gap| {
            let path = gap.path.as_ref().map_or(String::new(), |path| escape(&path.0));
            format!("gap {} pid {:?} {path}: {}", gap.kind, gap.pid, gap.detail)
        }));
    }
    for (number, (trial, ended)) in trials.iter().zip(endings).enumerate() {
        let verdict = trial.judge_part(ended.ending, parts.reports.remove(&number));
        verdicts.insert(trial.case.name.clone(), verdict.map_err(|words| trial.explain(&words)));
    }
    Ok(Together { faults, verdicts })
}

/// Makes the directories of a case.
fn ready<'a>(bench: &'a Bench, case: &'a Case, backend: &'static str, place: &World) -> Result<Trial<'a>> {
    let trial = Trial::new(bench, case, backend, World::below(&place.root())?)?;
    trial.set_up()?;
    Ok(trial)
}

/// Runs all of them and returns how each ended, as far as they were reached, and what was said.
fn run_all(
    bench: &Bench,
    trials: &[Trial<'_>],
    backend: &'static str,
    place: &World,
) -> Result<(Vec<Ended>, String)> {
    let steps = trials.iter().map(Trial::step).collect::<Result<Vec<_>>>()?;
    let base = place.base();
    let (list, endings, said) = (base.join("list"), base.join("endings"), base.join("said"));
    let json = serde_json::to_vec(&steps).map_err(|error| error.to_string())?;
    fs::write(&list, json).map_err(|error| format!("{}: {error}", list.display()))?;
    create(&endings)?;
    let driver = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut command = if backend == BARE {
        Command::new(driver)
    } else {
        let mut roar = Command::new(backend::roar_binary(&bench.target_dir)?);
        roar.args([
            "run",
            "--tracer",
            backend::tracer(backend),
            "--no-tracer-fallback",
            "--no-hash",
            "--report",
        ]);
        roar.arg(report_path(place)).arg("--").arg(driver);
        roar.envs(backend::variables(backend).iter().copied());
        roar
    };
    command.arg(DRIVE).args([&list, &endings]).current_dir(place.root()).env("HOME", base.join("home"));
    let output = create(&said)?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let ending = process::run(&mut command, TIME_LIMIT_TOGETHER, |_| Ok(()));
    let said = String::from_utf8_lossy(&fs::read(said).unwrap_or_default()).trim().to_owned();
    let words = format!("{ending:?}\n{said}");
    let lines = fs::read_to_string(endings).map_err(|error| error.to_string())?;
    let parse = |line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"));
    Ok((lines.lines().map(parse).collect::<Result<_>>()?, words))
}

fn report_path(place: &World) -> PathBuf {
    place.base().join("report.json")
}

fn read_report(place: &World, words: &str) -> Result<Report> {
    let json = fs::read(report_path(place)).map_err(|error| format!("no report: {error}: {words}"))?;
    Report::parse(&json)
}

/// A report taken apart.
#[derive(Debug, Default)]
struct Parts {
    /// What is about each case, by its number.
    reports: HashMap<usize, Report>,
    /// The gaps that are no case's.
    gaps: Vec<Gap>,
}

/// Takes a report apart: to each case its own files, those that belong to none, and the gaps of its processes.
fn take_apart(report: &Report, trials: &[Trial<'_>], ended: &[Ended]) -> Parts {
    let mut nothing = report.clone();
    nothing.files.clear();
    nothing.coverage.gaps.clear();
    nothing.coverage.complete = true;
    let mut reports: HashMap<usize, Report> =
        (0..trials.len()).map(|number| (number, nothing.clone())).collect();

    let directories: HashMap<&[u8], usize> = trials
        .iter()
        .enumerate()
        .map(|(number, trial)| (trial.world.base().as_os_str().as_bytes(), number))
        .collect();
    let owner_of = |path: &[u8]| {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.filter_map(|at| directories.get(&path[..at])).next().copied()
    };
    for file in &report.files {
        match owner_of(&file.path.0) {
            Some(number) => {
                reports.get_mut(&number).into_iter().for_each(|part| part.files.push(file.clone()))
            }
            None => reports.values_mut().for_each(|part| part.files.push(file.clone())),
        }
    }

    let parents: HashMap<u32, u32> =
        report.processes.iter().filter_map(|process| Some((process.pid, process.parent?))).collect();
    let firsts: HashMap<u32, usize> =
        ended.iter().enumerate().map(|(number, ended)| (ended.pid, number)).collect();
    let mut gaps = Vec::new();
    for gap in &report.coverage.gaps {
        let ancestors = successors(gap.pid, |pid| parents.get(pid).copied()).take(parents.len() + 1);
        let owner = ancestors.filter_map(|pid| firsts.get(&pid)).next();
        match owner.and_then(|number| reports.get_mut(number)) {
            Some(part) => {
                part.coverage.complete = false;
                part.coverage.gaps.push(gap.clone());
            }
            None => gaps.push(gap.clone()),
        }
    }
    Parts { reports, gaps }
}

impl Trial<'_> {
    fn step(&self) -> Result<Step> {
        let base = self.world.base();
        Ok(Step {
            words: self.words()?,
            directory: self.world.root(),
            environment: self.environment.clone(),
            stdout: base.join("stdout"),
            stderr: base.join("stderr"),
        })
    }

    fn judge_part(&self, ending: Ending, part: Option<Report>) -> Result<Verdict> {
        if ending == Ending::Code(UNSUPPORTED) {
            return self.judge_unsupported();
        }
        let exit = self.case.exit_under(self.backend);
        let expected = match exit {
            ExpectedExit::Code(code) => Ending::Code(code),
            ExpectedExit::Signal { signal } => Ending::Signal(signal),
        };
        if ending != expected {
            return self.judge_without(&format!("it ended with {ending:?}, not {expected:?}"));
        }
        self.run_after()?;
        if let Some(mut part) = part {
            let not_told = part.coverage.gaps.iter().find(|gap| gap.detail.contains(NOT_TOLD));
            if let Some(gap) = not_told.filter(|_| !is_required("kernel")) {
                return Ok(Verdict::Skipped(format!("the tracer says so itself: {}", gap.detail)));
            }
            part.exit = Some(match exit {
                ExpectedExit::Code(code) => Exit::Code { code },
                ExpectedExit::Signal { signal } => Exit::Signal { signal },
            });
            self.judge_records(&part, Vec::new())?;
        }
        Ok(Verdict::Passed)
    }

    /// Judges a case whose program did not do its thing: another kernel may lack what it shows, or do it in another way.
    fn judge_without(&self, words: &str) -> Result<Verdict> {
        match run_case(self.bench, self.case, BARE) {
            Ok(Verdict::Passed) => Err(words.to_owned()),
            Ok(skipped) => Ok(skipped),
            Err(bare) if is_required("kernel") => Err(bare),
            Err(bare) => {
                let first = bare.lines().next().unwrap_or_default();
                Ok(Verdict::Skipped(format!("without roar, too, {first}")))
            }
        }
    }
}

/// Starts the cases of a list, each in a process group of its own, and notes how each ended. What they leave behind is waited for at the end,
/// so that it is part of the run.
pub fn drive(list: &Path, endings: &Path) -> Result<()> {
    let json = fs::read(list).map_err(|error| format!("{}: {error}", list.display()))?;
    let steps: Vec<Step> = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    set_child_subreaper(Some(getpid())).map_err(|error| format!("prctl: {error}"))?;
    let mut lines = String::new();
    for Step { words, directory, environment, stdout, stderr } in steps {
        let (program, arguments) = words.split_first().ok_or("a case without a command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory).env_clear().envs(environment);
        command.stdin(Stdio::null()).stdout(create(&stdout)?).stderr(create(&stderr)?);
        // What does not end is killed, which is how it ended.
        let mut pid = 0;
        let noted = |started: Pid| {
            pid = started.as_raw_nonzero().get().unsigned_abs();
            Ok(())
        };
        let ending =
            process::run(&mut command, TIME_LIMIT, noted).unwrap_or(Ending::Signal(Signal::KILL.as_raw()));
        lines.push_str(&serde_json::to_string(&Ended { pid, ending }).map_err(|error| error.to_string())?);
        lines.push('\n');
        fs::write(endings, &lines).map_err(|error| format!("{}: {error}", endings.display()))?;
    }
    while wait(WaitOptions::empty()).is_ok() {}
    Ok(())
}
