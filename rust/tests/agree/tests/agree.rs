//! A few programs under each backend that can run here, as tests named `BACKEND::…`, and all of them together; `cargo xtask agree` runs thousands.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use agree::generate::generate;
use agree::judge::{Fault, judge};
use agree::lab::Lab;
use agree::model::Model;
use agree::shrink::shrink;
use conformance::Result;
use conformance::backend::judge_availability;
use conformance::run::Verdict;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Any would do: what is tried here is the same each time.
const SEED: u64 = 2026;
/// Programs that are tried bare, and under all backends together.
const PROGRAMS: u64 = 40;
/// Programs that are tried under one backend, where not all of them can run.
const PROGRAMS_ALONE: u64 = 10;

const BACKENDS: [&str; 3] = ["ebpf", "preload", "ptrace"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("bare::the_kernel_does_what_the_model_says", || try_all(&[], PROGRAMS)),
        Trial::test("bare::a_model_that_is_wrong_is_found_and_the_program_made_small", find_a_wrong_model),
    ];
    for backend in BACKENDS {
        trials.push(Trial::ignorable_test(format!("{backend}::says_what_the_model_says"), move || {
            when_possible(&[backend], PROGRAMS_ALONE)
        }));
    }
    trials.push(Trial::ignorable_test("all_backends_say_the_same", || when_possible(&BACKENDS, PROGRAMS)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn lab() -> Result<Lab> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    Lab::new(&package.join("../programs"), target(), Path::new(env!("CARGO_TARGET_TMPDIR")))
}

fn target() -> &'static Path {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch)
}

fn when_possible(backends: &[&'static str], count: u64) -> std::result::Result<Completion, Failed> {
    for backend in backends {
        if let Some(Verdict::Skipped(reason)) = judge_availability(target(), backend)? {
            return Ok(Completion::ignored_with(reason));
        }
    }
    try_all(backends, count).map(|()| Completion::Completed)
}

fn try_all(backends: &[&str], count: u64) -> std::result::Result<(), Failed> {
    let lab = lab()?;
    for number in 0..count {
        let settled = Model::settle(&lab.machine, &generate(SEED, number));
        let faults = judge(&lab, &settled, backends)?;
        if !faults.is_empty() {
            let words = words(&faults);
            return Err(format!(
                "{}{words}\n`cargo xtask agree --seed {SEED} --only {number}`",
                settled.program
            )
            .into());
        }
    }
    Ok(())
}

fn words(faults: &[Fault]) -> String {
    let words = faults.iter().map(|fault| format!("{}:\n  {}", fault.place, fault.lines.join("\n  ")));
    words.collect::<Vec<_>>().join("\n")
}

/// A model of a kernel in which files are removed, where none are, must be caught, and by a program of hardly more than one call.
fn find_a_wrong_model() -> std::result::Result<(), Failed> {
    let lab = lab()?;
    let last = Mutex::new(Vec::new());
    let is_wrong = |program: &agree::script::Program| {
        let mut settled = Model::settle(&lab.machine, program);
        // The program that is run removes nothing, and the model says that it did.
        let lines = settled.program.lines.clone();
        settled.program.lines.retain(|line| line.call != "unlink");
        settled.outcomes = settled
            .outcomes
            .iter()
            .zip(&lines)
            .filter(|(_, line)| line.call != "unlink")
            .map(|(outcome, _)| *outcome)
            .collect();
        match judge(&lab, &settled, &[]) {
            Ok(faults) => {
                let is_wrong = !faults.is_empty();
                if is_wrong && let Ok(mut last) = last.lock() {
                    *last = faults;
                }
                is_wrong
            }
            Err(_) => false,
        }
    };
    let found = (0..PROGRAMS).map(|number| generate(SEED, number)).find(&is_wrong);
    let least = shrink(&found.ok_or("no program removes a file")?, is_wrong);
    let parts = least.world.len() + least.lines.len();
    let faults = last.lock().map_err(|error| error.to_string())?;
    if parts > 4 || !least.lines.iter().any(|line| line.call == "unlink") || faults.is_empty() {
        return Err(format!("{parts} parts are left of it:\n{least}{}", words(&faults)).into());
    }
    Ok(())
}
