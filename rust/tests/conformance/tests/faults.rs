//! `kill -9` of the parts of a run, as tests named `BACKEND::faults::VICTIMS::ROUND`: a few moments each here, hundreds by `cargo xtask faults`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conformance::Result;
use conformance::backend::{HOOKED, judge_availability};
use conformance::env;
use conformance::fault::{Dice, Victims, fill_memory, strike, undisturbed};
use conformance::program::Programs;
use conformance::run::{Bench, Verdict};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Moments for each choice of victims, where nobody asks for more: all together take some twenty seconds.
const ROUNDS: u64 = 10;

/// Moments in one test.
const ROUNDS_PER_TEST: u64 = 10;

/// Backends of which something is left when all of a run is killed.
const BACKENDS: [&str; 2] = ["preload", HOOKED];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match load() {
        Ok(bench) => trials(&bench),
        Err(words) => {
            vec![Trial::test("meta::fault_programs_can_be_found", move || Err(Failed::from(words)))]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A world with hardly any memory for files, for whoever may mount one.
fn fills_memory(backend: &'static str) -> Trial {
    const MOUNT: &str = "mount -t tmpfs -o size=96k tmpfs /dev/shm && exec \"$@\"";
    Trial::ignorable_test(format!("{backend}::faults::full_memory"), move || {
        if !rustix::process::geteuid().is_root() {
            return Ok(Completion::ignored_with("needs root"));
        }
        let bench = load_through(["unshare", "-m", "sh", "-c", MOUNT, "sh"].map(str::to_owned).to_vec())?;
        if let Some(Verdict::Skipped(reason)) = judge_availability(&bench.target_dir, backend)? {
            return Ok(Completion::ignored_with(reason));
        }
        fill_memory(&bench, backend)?;
        Ok(Completion::Completed)
    })
}

fn load() -> Result<Arc<Bench>> {
    load_through(Vec::new()).map(Arc::new)
}

fn load_through(through: Vec<String>) -> Result<Bench> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs"),
        &scratch.join("programs"),
    )?;
    Ok(Bench::new(programs, scratch, through))
}

fn trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let tests = env::fault_rounds().unwrap_or(ROUNDS).div_ceil(ROUNDS_PER_TEST);
    let mut trials = Vec::new();
    for backend in BACKENDS {
        trials.push(fills_memory(backend));
        for victims in Victims::ALL {
            for test in 1..=tests {
                let bench = Arc::clone(bench);
                let name = format!("{backend}::faults::{}::{test}", victims.name());
                trials.push(Trial::ignorable_test(name, move || {
                    if let Some(Verdict::Skipped(reason)) = judge_availability(&bench.target_dir, backend)? {
                        return Ok(Completion::ignored_with(reason));
                    }
                    strike_often(&bench, backend, victims, test)?;
                    Ok(Completion::Completed)
                }));
            }
        }
    }
    trials
}

fn strike_often(bench: &Bench, backend: &'static str, victims: Victims, test: u64) -> Result<()> {
    /// How long an undisturbed run takes.
    static TIME: OnceLock<Result<Duration>> = OnceLock::new();
    let time = TIME.get_or_init(|| undisturbed(bench, backend)).clone()?;
    let seed = env::fault_seed().unwrap_or_else(now);
    let mut dice = Dice::new(seed ^ test << 32 ^ (victims as u64) << 16);
    for round in 1..=ROUNDS_PER_TEST {
        let moment = moment(time, round, &mut dice);
        strike(bench, backend, victims, moment, &mut dice)
            .map_err(|words| format!("ROAR_FAULT_SEED={seed}, round {round}: {words}"))?;
    }
    Ok(())
}

/// Returns a moment: one in five times at the start, one in five at the end, where most happens.
fn moment(time: Duration, round: u64, dice: &mut Dice) -> Duration {
    let micros = time.as_micros() as u64;
    Duration::from_micros(match round % 5 {
        0 => dice.below(micros / 4 + 1),
        1 => micros * 3 / 4 + dice.below(micros / 3 + 1),
        _ => dice.below(micros + 1),
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_millis() as u64)
}
