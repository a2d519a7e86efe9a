//! `cargo xtask agree` starts this: many programs from one seed, several at a time; what goes wrong is made as small as it gets and printed.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test program reports to the terminal")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use agree::generate::generate;
use agree::judge::{BARE, Fault, judge};
use agree::lab::Lab;
use agree::model::Model;
use agree::script::Program;
use agree::shrink::shrink;
use conformance::Result;

/// Programs of one run.
const PROGRAMS: u64 = 2000;

/// Different ways to go wrong after which no more programs are tried: each takes its time to shrink.
const FAILURES_MAX: usize = 10;

struct Options {
    programs: u64,
    seed: u64,
    /// Only the program of this number.
    only: Option<u64>,
    /// Only what is in this file.
    script: Option<PathBuf>,
    backends: Vec<String>,
    /// Where programs that go wrong are put.
    keep: Option<PathBuf>,
    target: PathBuf,
}

fn main() -> ExitCode {
    match read_options().and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

fn read_options() -> Result<Options> {
    let seed = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|error| error.to_string())?
        .as_secs();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let mut options = Options {
        programs: PROGRAMS,
        seed,
        only: None,
        script: None,
        backends: Vec::new(),
        keep: None,
        target,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        let number = || value.parse().map_err(|error| format!("`{word} {value}`: {error}"));
        match word.as_str() {
            "--programs" => options.programs = number()?,
            "--seed" => options.seed = number()?,
            "--only" => options.only = Some(number()?),
            "--script" => options.script = Some(value.into()),
            "--backend" => options.backends.push(value),
            "--keep" => options.keep = Some(value.into()),
            "--target" => options.target = value.into(),
            _ => return Err(format!("unexpected argument `{word}`")),
        }
    }
    if options.backends.is_empty() {
        options.backends = ["ebpf", "preload", "ptrace"].map(str::to_owned).to_vec();
    }
    Ok(options)
}

/// Runs what is asked for; returns whether all was as it should be.
fn run(options: &Options) -> Result<bool> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lab = Lab::new(&package.join("../programs"), &options.target, &options.target.join("agree"))?;
    if let Some(path) = &options.script {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        return try_one(&lab, options, &text.parse()?, "");
    }
    if let Some(number) = options.only {
        return try_one(&lab, options, &generate(options.seed, number), &rerun(options, number));
    }
    try_all(&lab, options)
}

fn rerun(options: &Options, number: u64) -> String {
    format!("cargo xtask agree --seed {} --only {number}", options.seed)
}

fn backends(options: &Options) -> Vec<&str> {
    options.backends.iter().filter(|backend| *backend != BARE).map(String::as_str).collect()
}

/// Tries all programs, on every processor.
fn try_all(lab: &Lab, options: &Options) -> Result<bool> {
    let began = Instant::now();
    let (next, calls, failures) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let report = Mutex::new(());
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.programs || failures.load(Ordering::Relaxed) >= FAILURES_MAX {
                return Ok(());
            }
            let program = generate(options.seed, number);
            let settled = Model::settle(&lab.machine, &program);
            calls.fetch_add(settled.program.lines.len(), Ordering::Relaxed);
            let faults = judge(lab, &settled, &backends(options))?;
            if !faults.is_empty() {
                failures.fetch_add(1, Ordering::Relaxed);
                let _alone = report.lock().map_err(|error| error.to_string())?;
                tell(lab, options, &program, &faults, &rerun(options, number))?;
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())))
            .collect()
    });
    outcomes.into_iter().collect::<Result<()>>()?;
    let tried = next.load(Ordering::Relaxed).min(options.programs);
    println!(
        "{tried} programs with {} calls from seed {}, bare and under {}, in {:.0} s: {} with a difference",
        calls.load(Ordering::Relaxed),
        options.seed,
        options.backends.join(", "),
        began.elapsed().as_secs_f64(),
        failures.load(Ordering::Relaxed),
    );
    Ok(failures.load(Ordering::Relaxed) == 0)
}

fn try_one(lab: &Lab, options: &Options, program: &Program, again: &str) -> Result<bool> {
    let settled = Model::settle(&lab.machine, program);
    let faults = judge(lab, &settled, &backends(options))?;
    if faults.is_empty() {
        println!("{}no difference", settled.program);
        return Ok(true);
    }
    tell(lab, options, program, &faults, again)?;
    Ok(false)
}

/// Prints what is wrong with a program, and the least program with which the same place is still wrong.
fn tell(lab: &Lab, options: &Options, program: &Program, faults: &[Fault], again: &str) -> Result<()> {
    let place = faults.first().map_or(BARE, |fault| fault.place.as_str());
    let concerned: Vec<&str> =
        backends(options).into_iter().filter(|backend| place.contains(backend)).collect();
    let find = |program: &Program| {
        let settled = Model::settle(&lab.machine, program);
        let faults = judge(lab, &settled, &concerned);
        faults.unwrap_or_else(|words| vec![Fault { place: place.to_owned(), lines: vec![words] }])
    };
    let is_wrong = |program: &Program| find(program).iter().any(|fault| fault.place == place);
    let least = shrink(program, is_wrong);
    let settled = Model::settle(&lab.machine, &least);
    let least_faults = judge(lab, &settled, &backends(options))?;
    println!("--- {again}");
    print!("{}", settled.program);
    let shown = if least_faults.is_empty() {
        println!("  not every time; the first time:");
        faults
    } else {
        &least_faults[..]
    };
    for Fault { place, lines } in shown {
        println!("  {place}:");
        lines.iter().for_each(|line| println!("    {line}"));
    }
    if let Some(directory) = &options.keep {
        let name = again.rsplit(' ').next().filter(|name| !name.is_empty()).unwrap_or("script");
        fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        for (kind, program) in [("whole", program), ("least", &settled.program)] {
            let path = directory.join(format!("{name}.{kind}"));
            fs::write(&path, program.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}
