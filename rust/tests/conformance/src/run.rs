//! One case under one backend, from an empty directory to a verdict.

mod together;

use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::Result;
use crate::agreement::{Agreement, Names};
use crate::backend::{self, BARE};
use crate::case::{Case, ExpectedExit};
use crate::compare::{Expected, compare};
use crate::env;
use crate::process::{self, Ending, TIME_LIMIT};
use crate::program::Programs;
use crate::report::Report;
use crate::world::{World, create, make_fifo, redirect};

pub use together::{DRIVE, Together, drive, is_possible as is_possible_together, run_together};

/// Exit status of a program that finds the kernel unable to do what it wants to show (automake's convention).
const UNSUPPORTED: i32 = 77;

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is as expected.
    Passed,
    /// It cannot be tried here, for this reason.
    Skipped(String),
}

/// What all cases share.
#[derive(Debug)]
pub struct Bench {
    /// The programs.
    pub programs: Programs,
    /// Where `release/roar` and `debug/roar` would be.
    pub target_dir: PathBuf,
    /// Words before what is started, the command itself or roar: a program that starts it in a world of its own making.
    pub through: Vec<String>,
    /// Where backends are held against each other; none: they are not, since not all of them are here.
    pub agreement: Option<Agreement>,
}

impl Bench {
    /// Returns a bench whose programs are started by these words, below cargo's place for what tests make.
    pub fn new(programs: Programs, scratch: &Path, through: Vec<String>) -> Self {
        let target_dir = scratch.parent().unwrap_or(scratch).to_owned();
        Self { programs, target_dir, through, agreement: None }
    }
}

/// Runs one case under one backend.
pub fn run_case(bench: &Bench, case: &Case, backend: &'static str) -> Result<Verdict> {
    if let Some(reason) = find_missing(case) {
        return if backend::is_anything_required() && reason.is_required {
            Err(reason.words)
        } else {
            Ok(Verdict::Skipped(reason.words))
        };
    }
    let trial = Trial::new(bench, case, backend, World::new()?)?;
    trial.run().map_err(|words| trial.explain(&words))
}

/// Runs one case under one backend and returns how the tracer says that it has traced.
pub fn tracer_mode(bench: &Bench, case: &Case, backend: &'static str) -> Result<String> {
    let trial = Trial::new(bench, case, backend, World::new()?)?;
    trial
        .run()
        .and_then(|_| trial.read_report())
        .map_err(|words| trial.explain(&words))
        .map(|report| report.tracer.mode)
}

struct Missing {
    words: String,
    is_required: bool,
}

fn find_missing(case: &Case) -> Option<Missing> {
    if case.slow && !env::is_slow_wanted() {
        return Some(Missing { words: "slow: set `ROAR_SLOW=1` to run it".to_owned(), is_required: false });
    }
    case.needs.iter().find_map(|need| match need.as_str() {
        "root" if geteuid().is_root() => None,
        "root" => Some(Missing { words: "needs root".to_owned(), is_required: false }),
        "reflink" if can_reflink() => None,
        "reflink" => {
            Some(Missing { words: "needs a file system with reflinks".to_owned(), is_required: false })
        }
        "overlay" if can_overlay() => None,
        "overlay" => Some(Missing { words: "the kernel has no overlayfs".to_owned(), is_required: false }),
        tool if is_on_path(tool) => None,
        tool => Some(Missing { words: format!("{tool} is not installed"), is_required: true }),
    })
}

fn is_on_path(tool: &str) -> bool {
    std::env::split_paths(&env::path())
        .any(|directory| fs::metadata(directory.join(tool)).is_ok_and(|found| found.is_file()))
}

fn can_reflink() -> bool {
    let Ok(world) = World::new() else { return false };
    fs::write(world.root().join("a"), "x").is_ok()
        && world.run_script("cp --reflink=always a b", &[path_variable()]).is_ok()
}

/// Mounts one, in a namespace that goes with the script.
fn can_overlay() -> bool {
    let script = "mkdir a b; exec unshare -m mount -t overlay overlay -olowerdir=a:b a";
    World::new().is_ok_and(|world| world.run_script(script, &[path_variable()]).is_ok())
}

/// Returns the `PATH` that every command gets.
pub fn path_variable() -> (String, String) {
    ("PATH".to_owned(), env::path())
}

struct Trial<'a> {
    bench: &'a Bench,
    case: &'a Case,
    backend: &'static str,
    world: World,
    environment: Vec<(String, String)>,
}

impl<'a> Trial<'a> {
    fn new(bench: &'a Bench, case: &'a Case, backend: &'static str, world: World) -> Result<Self> {
        let mut trial = Self { bench, case, backend, world, environment: Vec::new() };
        let base = trial.world.base().display();
        let own =
            [("HOME", format!("{base}/home")), ("TMPDIR", format!("{base}/tmp")), ("LC_ALL", "C".to_owned())];
        trial.environment = own.map(|(name, value)| (name.to_owned(), value)).to_vec();
        trial.environment.push(path_variable());
        for (name, value) in &case.env {
            let value = trial.fill(value)?;
            trial.environment.push((name.clone(), value));
        }
        Ok(trial)
    }

    fn run(&self) -> Result<Verdict> {
        if self.backend != BARE
            && let Some(verdict) = backend::judge_availability(&self.bench.target_dir, self.backend)?
        {
            return Ok(verdict);
        }
        self.set_up()?;
        let ending = self.run_command()?;
        if ending == Ending::Code(UNSUPPORTED) {
            return self.judge_unsupported();
        }
        if let Some(words) = self.judge_ending(ending) {
            return Err(words);
        }
        self.run_after()?;
        if self.backend != BARE {
            self.judge_report()?;
        }
        Ok(Verdict::Passed)
    }

    /// Makes what the case wants to be there.
    fn set_up(&self) -> Result<()> {
        self.world.set_up(self.case, &self.bench.programs, &|text| self.fill(text))?;
        let Some(before) = &self.case.before else { return Ok(()) };
        let outcome = self.world.run_script(&self.fill(before)?, &self.environment);
        outcome.map_err(|error| format!("before: {error}"))
    }

    /// Runs what the case wants to find out when its command has ended.
    fn run_after(&self) -> Result<()> {
        let Some(after) = &self.case.after else { return Ok(()) };
        let outcome = self.world.run_script(&self.fill(after)?, &self.environment);
        outcome.map_err(|error| format!("after: {error}"))
    }

    /// A program that cannot do its thing here proves nothing, unless it is roar that keeps it from doing so.
    fn judge_unsupported(&self) -> Result<Verdict> {
        let words = "the kernel cannot do what the program shows".to_owned();
        if self.backend != BARE && run_case(self.bench, self.case, BARE) == Ok(Verdict::Passed) {
            return Err("the program can do its thing without roar, and cannot under it".to_owned());
        }
        if backend::is_required("kernel") { Err(words) } else { Ok(Verdict::Skipped(words)) }
    }

    /// Returns what is wrong with the way the command, or roar after it, ended.
    fn judge_ending(&self, ending: Ending) -> Option<String> {
        // roar dies of the signals that a shell must see; for the others it ends as a shell would.
        let dies_of = [Signal::INT, Signal::QUIT, Signal::TERM].map(Signal::as_raw);
        let expected = match self.case.exit_under(self.backend) {
            ExpectedExit::Code(code) => Ending::Code(code),
            ExpectedExit::Signal { signal } if self.backend == BARE || dies_of.contains(&signal) => {
                Ending::Signal(signal)
            }
            ExpectedExit::Signal { signal } => Ending::Code(128 + signal),
        };
        (ending != expected).then(|| format!("it ended with {ending:?}, not {expected:?}"))
    }

    fn read_report(&self) -> Result<Report> {
        let json = fs::read(self.report_path()).map_err(|error| format!("no report: {error}"))?;
        Report::parse(&json)
    }

    fn judge_report(&self) -> Result<()> {
        if !self.case.report && !self.report_path().is_file() {
            return Ok(());
        }
        let report = self.read_report()?;
        let mut faults = report.faults(backend::tracer(self.backend));
        if report.cwd.0 != self.world.root().as_os_str().as_bytes() {
            faults.push("cwd is not where the command was started".to_owned());
        }
        if report.command.iter().map(|word| &word.0[..]).ne(self.words()?.iter().map(String::as_bytes)) {
            faults.push(format!("command is {:?}", report.command));
        }
        if !self.case.report && report.files.is_empty() && faults.is_empty() {
            return Ok(());
        }
        self.judge_records(&report, faults)
    }

    /// Compares the report with what is expected; `faults` were found before.
    fn judge_records(&self, report: &Report, mut faults: Vec<String>) -> Result<()> {
        let root = self.world.root();
        let root = root.as_os_str().as_bytes();
        let fill = |text: &str| self.fill_names(text);
        let expected = Expected::of(self.case, self.backend, fill)?;
        faults.extend(compare(&expected, report, root));
        if !faults.is_empty() && self.case.difference_under(self.backend).is_some() {
            let common = Expected::in_common(self.case, fill)?;
            if compare(&common, report, root).is_empty() {
                faults.push(format!("the difference has gone: remove differs.{}", self.backend));
            }
        }
        if !faults.is_empty() {
            return Err(format!("the report is not as expected:\n{}", faults.join("\n")));
        }
        self.judge_agreement()
    }

    fn judge_agreement(&self) -> Result<()> {
        let Some(agreement) = &self.bench.agreement else { return Ok(()) };
        let json = fs::read(self.report_path()).map_err(|error| format!("no report: {error}"))?;
        let (world, id) = (self.world.root(), self.world.id());
        let names = Names {
            base: self.world.base().as_os_str().as_bytes(),
            world: world.as_os_str().as_bytes(),
            id: id.as_bytes(),
        };
        let faults = agreement.judge(self.case, self.backend, &json, &names)?;
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!("{} and another backend do not agree:\n{}", self.backend, faults.join("\n")))
    }

    fn run_command(&self) -> Result<Ending> {
        let case = self.case;
        let root = self.world.root();
        let words = self.words()?;
        let mut command = if self.backend == BARE && !case.report {
            // What cannot be started at all is left to a shell, whose status roar's is to be.
            let mut shell = self.start(Path::new("sh"));
            shell.args(["-c", "exec \"$@\"", "sh", &words[0]]);
            shell
        } else if self.backend == BARE {
            self.start(Path::new(&words[0]))
        } else {
            let mut roar = self.start(&backend::roar_binary(&self.bench.target_dir)?);
            let tracer = backend::tracer(self.backend);
            roar.args(["run", "--tracer", tracer, "--no-tracer-fallback", "--no-hash", "--report"]);
            roar.arg(self.report_path()).arg("--").arg(&words[0]);
            roar
        };
        command.args(&words[1..]).current_dir(&root).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(backend::variables(self.backend).iter().copied());
        match &case.stdin {
            Some(name) => {
                command.stdin(File::open(root.join(name)).map_err(|error| format!("{name}: {error}"))?)
            }
            None => command.stdin(Stdio::null()),
        };
        let open = |text: &Option<String>, name: &str| match text {
            Some(text) => redirect(&root, text),
            None => create(&self.world.base().join(name)),
        };
        command.stdout(open(&case.stdout, "stdout")?).stderr(open(&case.stderr, "stderr")?);
        let ready = self.world.base().join("ready");
        if case.send.is_some() {
            make_fifo(&ready).map_err(|error| error.to_string())?;
        }
        process::run(&mut command, TIME_LIMIT, |pid| send_when_ready(case.send, pid, &ready))
    }

    /// Returns the command that starts a program.
    fn start(&self, program: &Path) -> Command {
        match self.bench.through.split_first() {
            None => Command::new(program),
            Some((launcher, words)) => {
                let mut command = Command::new(launcher);
                command.args(words).arg(program);
                command
            }
        }
    }

    fn report_path(&self) -> PathBuf {
        self.world.base().join("report.json")
    }

    /// Returns the words of the command.
    fn words(&self) -> Result<Vec<String>> {
        let case = self.case;
        if let Some(shell) = &case.shell {
            return Ok(vec!["sh".to_owned(), "-c".to_owned(), self.fill(shell)?]);
        }
        let mut words = match &case.program {
            Some(program) => self.bench.programs.command(program)?,
            None => Vec::new(),
        };
        for word in case.command.iter().flatten().chain(&case.args) {
            words.push(self.fill(word)?);
        }
        Ok(words)
    }

    fn fill_names(&self, text: &str) -> String {
        text.replace("{id}", &self.world.id()).replace("{world}", &self.world.root().to_string_lossy())
    }

    fn fill(&self, text: &str) -> Result<String> {
        let mut text = self.fill_names(text);
        while let Some((before, rest)) = text.split_once("{bin:") {
            let (name, after) = rest.split_once('}').ok_or("`{bin:` is not closed")?;
            text = format!("{before}{}{after}", self.bench.programs.file(name)?.display());
        }
        Ok(text)
    }

    fn explain(&self, words: &str) -> String {
        let read = |name| {
            let bytes = fs::read(self.world.base().join(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if text.is_empty() { text } else { format!("\n--- {name}\n{text}") }
        };
        let kept = if env::is_kept() {
            format!("\n--- kept in {}", self.world.base().display())
        } else {
            String::new()
        };
        format!("{words}{}{}{kept}", read("stdout"), read("stderr"))
    }
}

/// Waits until the command says that it is ready, and sends the signal to the process that the harness started.
fn send_when_ready(signal: Option<i32>, pid: Pid, ready: &Path) -> Result<()> {
    let Some(signal) = signal else { return Ok(()) };
    let signal = Signal::from_named_raw(signal).ok_or_else(|| format!("there is no signal {signal}"))?;
    // Open for writing as well, so that neither side waits for the other to open it.
    let fifo = OpenOptions::new().read(true).write(true).open(ready);
    let fifo = fifo.map_err(|error| format!("{}: {error}", ready.display()))?;
    process::wait_readable(&fifo, Instant::now() + TIME_LIMIT)
        .map_err(|words| format!("not ready: {words}"))?;
    kill_process(pid, signal).map_err(|error| format!("kill: {error}"))
}
