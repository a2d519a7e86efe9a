//! `kill -9` at any moment, of any part of a run, and what must be there all the same.
//!
//! The truth is kept outside roar's reach: a program says on its standard output, which is a file of the harness, what it has completed.
//! After the next `roar run` all of that must be in a record, and nothing may be left of the run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::Result;
use crate::backend;
use crate::process::Ending;
use crate::report::{Report, Role};
use crate::run::{Bench, path_variable};
use crate::world::{World, create, spawn};

/// How long anything may take before it counts as hanging: what takes longest is a program that waits once for a collector that is
/// no more, and a `run.linger_ms`, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// Processes are looked at this often while they are waited for.
const LOOK: Duration = Duration::from_millis(2);

/// The status that the program ends with.
const OWN_STATUS: i32 = 7;

/// The status of `roar` where the command has not run.
const NOT_RUN: i32 = 125;

/// How a shell puts it that a command was killed.
const KILLED: i32 = 128 + 9;

/// Files that the program makes, some by programs of their own: long enough for every stage of a run to be hit.
const FILES: &str = "60";

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victims {
    /// The command.
    Program,
    /// The collector; the command goes on.
    Collector,
    /// The collector and the command.
    Both,
    /// `roar`; the collector goes on, and the command.
    Roar,
    /// `roar` and the collector; the command goes on.
    Watchers,
    /// Every process of the run.
    All,
    /// The same, and then those who are to make a record of what is left.
    Recovery,
}

impl Victims {
    /// Every choice.
    pub const ALL: [Self; 7] =
        [Self::Program, Self::Collector, Self::Both, Self::Roar, Self::Watchers, Self::All, Self::Recovery];

    /// Returns the name in tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Collector => "collector",
            Self::Both => "program_and_collector",
            Self::Roar => "roar",
            Self::Watchers => "roar_and_collector",
            Self::All => "all",
            Self::Recovery => "all_and_recovery",
        }
    }

    fn has_roar(self) -> bool {
        matches!(self, Self::Roar | Self::Watchers | Self::All | Self::Recovery)
    }

    fn has_collector(self) -> bool {
        !matches!(self, Self::Program | Self::Roar)
    }

    fn has_program(self) -> bool {
        matches!(self, Self::Program | Self::Both | Self::All | Self::Recovery)
    }
}

/// Numbers that are the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Returns dice that fall as the seed says.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Returns how long a run takes that nobody disturbs.
pub fn undisturbed(bench: &Bench, backend: &'static str) -> Result<Duration> {
    let mut run = Run::begin(bench, backend)?;
    let ending = run.end_of_roar()?;
    let time = run.started.elapsed();
    run.judge(Some(ending), Victims::Program)?;
    Ok(time)
}

/// One run whose victims are killed at a moment: some time after its start. What is wrong afterwards is the error.
pub fn strike(
    bench: &Bench,
    backend: &'static str,
    victims: Victims,
    moment: Duration,
    dice: &mut Dice,
) -> Result<()> {
    let mut run = Run::begin(bench, backend)?;
    let struck = run.strike(victims, moment, dice);
    struck.map_err(|words| format!("{} killed after {moment:?}: {words}{}", victims.name(), run.explain()))
}

/// One run that has next to no memory for what it tells: the command does not notice, and what was lost is said.
pub fn fill_memory(bench: &Bench, backend: &'static str) -> Result<()> {
    let mut run = Run::begin(bench, backend)?;
    let ending = run.end_of_roar()?;
    run.wait_for_rest()?;
    if ending != Ending::Code(OWN_STATUS) {
        return Err(format!("roar ended with {ending:?}{}", run.explain()));
    }
    let json = fs::read(run.world.base().join("report.json")).map_err(|error| error.to_string())?;
    let report = Report::parse(&json)?;
    let outputs = report.files.iter().filter(|file| file.role == Role::Output).count();
    // By little it may have sufficed.
    if report.coverage.events_lost == 0 && outputs < FILES.parse().unwrap_or(0) {
        return Err(format!("nothing is said to be lost, and there are {outputs} outputs"));
    }
    Ok(())
}

struct Run<'a> {
    bench: &'a Bench,
    backend: &'static str,
    world: World,
    roar: Child,
    started: Instant,
    /// Journals of the run that were seen.
    journals: Vec<PathBuf>,
    /// Who was found and killed.
    killed: Vec<&'static str>,
}

#[derive(Deserialize)]
struct Log {
    jobs: Vec<LoggedJob>,
}

#[derive(Deserialize)]
struct LoggedJob {
    id: String,
    command: Vec<crate::report::Bytes>,
}

impl<'a> Run<'a> {
    fn begin(bench: &'a Bench, backend: &'static str) -> Result<Self> {
        let world = World::new()?;
        let mut command = roar(bench, backend, &world)?;
        command.args(["--report"]).arg(world.base().join("report.json"));
        command.arg("--").args(bench.programs.command("fault_writer")?).args(["many", FILES]);
        command.stdout(create(&world.base().join("stdout"))?);
        command.stderr(create(&world.base().join("stderr"))?);
        let started = Instant::now();
        let roar = spawn(&mut command)?;
        Ok(Self { bench, backend, world, roar, started, journals: Vec::new(), killed: Vec::new() })
    }

    fn strike(&mut self, victims: Victims, moment: Duration, dice: &mut Dice) -> Result<()> {
        while self.started.elapsed() < moment {
            thread::park_timeout(moment.saturating_sub(self.started.elapsed()));
        }
        self.note_journals();
        self.kill(victims, dice);
        self.note_journals();
        let ending = self.end_of_roar()?;
        match victims {
            // Whoever comes while something of the run still works leaves it alone.
            Victims::Roar | Victims::Watchers => {
                if dice.below(2) == 0
                    && let Some(words) = self.next_command()?
                {
                    return Err(words);
                }
            }
            Victims::Recovery => self.kill_next(dice)?,
            Victims::Program | Victims::Collector | Victims::Both | Victims::All => {}
        }
        self.judge(Some(ending).filter(|_| !victims.has_roar()), victims)
    }

    /// Kills the victims that there are by now, in any order.
    fn kill(&mut self, victims: Victims, dice: &mut Dice) {
        let roar = self.roar.id();
        let collectors = children_of(roar);
        let roots: Vec<u32> = collectors.iter().flat_map(|pid| children_of(*pid)).collect();
        let mut found: Vec<(&'static str, u32)> = Vec::new();
        if victims.has_roar() {
            found.push(("roar", roar));
        }
        if victims.has_collector() {
            found.extend(collectors.iter().map(|pid| ("collector", *pid)));
        }
        if victims.has_program() {
            found.extend(roots.iter().map(|pid| ("program", *pid)));
        }
        if victims.has_program() && victims.has_roar() {
            found.extend(roots.iter().flat_map(|pid| children_of(*pid)).map(|pid| ("child", pid)));
        }
        while !found.is_empty() {
            let (name, pid) = found.swap_remove(dice.below(found.len() as u64) as usize);
            let is_killed =
                Pid::from_raw(pid as i32).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok());
            if is_killed {
                self.killed.push(name);
            }
        }
    }

    fn note_journals(&mut self) {
        let links = run_dirs(&self.world).into_iter().map(|run_dir| run_dir.join("journal"));
        self.journals.extend(links.filter_map(|link| fs::read_link(link).ok()));
    }

    fn end_of_roar(&mut self) -> Result<Ending> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.roar.try_wait().map_err(|error| error.to_string())? {
                return Ok(status.into());
            }
            if Instant::now() > end {
                return Err("roar hangs".to_owned());
            }
            thread::park_timeout(LOOK);
        }
    }

    /// Waits until nothing of the run works any more.
    fn wait_for_rest(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let rest = processes_of(&self.world);
            if rest.is_empty() {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("these run still: {}", rest.join(", ")));
            }
            thread::park_timeout(LOOK);
        }
    }

    /// Looks at all that is there after a run of which `roar` came to this end, or was killed.
    fn judge(&mut self, ending: Option<Ending>, victims: Victims) -> Result<()> {
        self.wait_for_rest()?;
        self.note_journals();
        let said = fs::read_to_string(self.world.base().join("stdout")).map_err(|error| error.to_string())?;
        let said: Vec<&str> = said.lines().collect();
        let mut faults = Vec::new();
        if let Some(ending) = ending {
            faults.extend(self.judge_ending(ending, &said, victims));
        }
        if let Some(words) = self.next_command()? {
            faults.push(words);
        }
        // Its tracer may need a moment more than roar itself.
        self.wait_for_rest()?;
        faults.extend(self.find_litter());
        faults.extend(self.find_unrecorded(&said)?);
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    fn judge_ending(&self, ending: Ending, said: &[&str], victims: Victims) -> Option<String> {
        let Ending::Code(code) = ending else { return Some(format!("roar ended with {ending:?}")) };
        let is_complete = said.len() == FILES.parse().unwrap_or(0);
        let may_be = match code {
            OWN_STATUS => is_complete,
            KILLED => victims.has_program() && self.killed.contains(&"program"),
            NOT_RUN => victims.has_collector() && said.is_empty(),
            _ => false,
        };
        (!may_be).then(|| format!("roar ended with {code} after {} files", said.len()))
    }

    /// Runs `roar` once more, as anybody would.
    fn next_command(&self) -> Result<Option<String>> {
        let mut command = roar(self.bench, self.backend, &self.world)?;
        command.args(["--", "true"]).stdout(Stdio::null());
        command.stderr(create(&self.world.base().join("next"))?);
        let status = spawn(&mut command)?.wait().map_err(|error| error.to_string())?;
        Ok((!status.success()).then(|| format!("the next roar ended with {status}")))
    }

    /// Runs `roar` once more, and kills it at some moment of its short life, with what it has started.
    fn kill_next(&mut self, dice: &mut Dice) -> Result<()> {
        /// How long it lives at least, undisturbed.
        const LIFE_MICROS: u64 = 60_000;
        let mut command = roar(self.bench, self.backend, &self.world)?;
        command.args(["--", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut next = spawn(&mut command)?;
        let end = Instant::now() + Duration::from_micros(dice.below(LIFE_MICROS));
        while Instant::now() < end {
            thread::park_timeout(end.saturating_duration_since(Instant::now()));
        }
        self.note_journals();
        for pid in children_of(next.id()).into_iter().chain([next.id()]) {
            // It may have ended just now.
            let _ended = Pid::from_raw(pid as i32).map(|pid| kill_process(pid, Signal::KILL));
        }
        next.wait().map(drop).map_err(|error| error.to_string())
    }

    fn find_litter(&self) -> Vec<String> {
        let mut litter: Vec<PathBuf> = run_dirs(&self.world);
        let directories = self.journals.iter().filter_map(|journal| journal.parent());
        litter.extend(directories.filter(|path| fs::symlink_metadata(path).is_ok()).map(Path::to_owned));
        let mut words: Vec<String> =
            litter.into_iter().map(|path| format!("{} is left", path.display())).collect();
        words.extend(processes_of(&self.world).into_iter().map(|name| format!("{name} is left")));
        words
    }

    /// Returns what the program has completed and no record tells of.
    fn find_unrecorded(&self, said: &[&str]) -> Result<Option<String>> {
        let log: Log =
            serde_json::from_slice(&self.ask(&["log", "--json"])?).map_err(|error| error.to_string())?;
        let mut recorded = Vec::new();
        let mut jobs = 0;
        for job in log.jobs.iter().filter(|job| job.command.get(1).is_some_and(|word| word.0 == b"many")) {
            let report = Report::parse(&self.ask(&["show", &job.id, "--json"])?)?;
            recorded.extend(report.files.into_iter().filter(|file| file.role == Role::Output));
            jobs += 1;
        }
        if jobs > 1 {
            return Ok(Some(format!("it is recorded {jobs} times")));
        }
        let is_recorded = |name: &&&str| {
            let path = self.world.root().join(name);
            recorded.iter().any(|file| file.path.0 == path.as_os_str().as_encoded_bytes())
        };
        let lost: Vec<&str> = said.iter().filter(|name| !is_recorded(name)).copied().collect();
        let words = || format!("lost, of {} files in {jobs} jobs: {}", said.len(), lost.join(" "));
        Ok((!lost.is_empty()).then(words))
    }

    fn ask(&self, words: &[&str]) -> Result<Vec<u8>> {
        let mut command = Command::new(backend::roar_binary(&self.bench.target_dir)?);
        command.args(words).current_dir(self.world.root()).stdin(Stdio::null());
        command.env_clear().envs(environment(&self.world)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = spawn(&mut command)?.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(format!("roar {} says: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)))
    }

    fn explain(&self) -> String {
        let read = |name: &str| {
            let text = fs::read_to_string(self.world.base().join(name)).unwrap_or_default();
            if text.is_empty() { text } else { format!("\n--- {name}\n{}", text.trim_end()) }
        };
        format!("\nkilled: {}{}{}", self.killed.join(" "), read("stderr"), read("next"))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        for pid in pids_of(&self.world) {
            // It may have ended just now.
            let _ended = Pid::from_raw(pid as i32).map(|pid| kill_process(pid, Signal::KILL));
        }
        let _status = self.roar.wait();
    }
}

fn environment(world: &World) -> Vec<(String, String)> {
    let base = world.base().display();
    let own =
        [("HOME", format!("{base}/home")), ("TMPDIR", format!("{base}/tmp")), ("LC_ALL", "C".to_owned())];
    own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain([path_variable()]).collect()
}

/// Returns `roar run` with what all runs have in common.
fn roar(bench: &Bench, backend: &'static str, world: &World) -> Result<Command> {
    let roar = backend::roar_binary(&bench.target_dir)?;
    let mut command = match bench.through.split_first() {
        None => Command::new(roar),
        Some((launcher, words)) => {
            let mut command = Command::new(launcher);
            command.args(words).arg(roar);
            command
        }
    };
    command.args(["run", "--tracer", backend::tracer(backend), "--no-tracer-fallback", "--no-hash"]);
    command.current_dir(world.root()).stdin(Stdio::null()).env_clear().envs(environment(world));
    command.envs(backend::variables(backend).iter().copied());
    Ok(command)
}

fn run_dirs(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.root().join(".roar/runs"));
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Returns the processes that a process has made, by any of its threads, and that are there.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("children")));
    lists.flatten().flat_map(|list| numbers(&list)).collect()
}

fn numbers(list: &str) -> Vec<u32> {
    list.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Returns the processes whose environment names the world: all of the run, but those that have ended.
fn pids_of(world: &World) -> Vec<u32> {
    let base = world.base().as_os_str().as_encoded_bytes();
    let is_of_world = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(base.len()).any(|window| window == base)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_of_world).collect()
}

fn processes_of(world: &World) -> Vec<String> {
    let describe = |pid: u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        format!("{} ({pid})", name.trim_end())
    };
    pids_of(world).into_iter().map(describe).collect()
}
