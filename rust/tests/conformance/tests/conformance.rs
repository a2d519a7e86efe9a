//! Every case under every backend, as tests named `BACKEND::CASE`, and the harness's tests of itself.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use conformance::Result;
use conformance::agreement::Agreement;
use conformance::backend::{BACKENDS, BARE};
use conformance::case::{Case, load_cases};
use conformance::program::{Language, Programs};
use conformance::run::{Bench, Verdict, run_case};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Programs that the other test targets and the differential tester run.
const OF_OTHERS: [&str; 3] = ["observe_", "fault_", "agree_"];

/// What observers are started by, and what `roar` is in the third.
const LAUNCHERS: [&str; 2] = ["launch", "confine"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match load() {
        Ok((bench, cases)) => libtest_mimic::run(&arguments, trials(&bench, cases)).exit_code(),
        Err(words) => {
            // A broken case file must look like a failing test, to nextest as well.
            let broken = Trial::test("meta::cases_can_be_read", move || Err(Failed::from(words)));
            libtest_mimic::run(&arguments, vec![broken]).exit_code()
        }
    }
}

fn load() -> Result<(Arc<Bench>, Vec<Case>)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(&package.join("../programs"), &scratch.join("programs"))?;
    let bench =
        Bench { agreement: Some(Agreement::below(scratch)), ..Bench::new(programs, scratch, Vec::new()) };
    Ok((Arc::new(bench), load_cases(&package.join("cases"))?))
}

fn trials(bench: &Arc<Bench>, cases: Vec<Case>) -> Vec<Trial> {
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    let mut trials = meta_trials(bench, &cases);
    for backend in [BARE].into_iter().chain(BACKENDS) {
        for case in &cases {
            let (bench, case) = (Arc::clone(bench), Arc::clone(case));
            trials.push(Trial::ignorable_test(format!("{backend}::{}", case.name), move || match run_case(
                &bench, &case, backend,
            )? {
                Verdict::Passed => Ok(Completion::Completed),
                Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
            }));
        }
    }
    trials
}

fn meta_trials(bench: &Arc<Bench>, cases: &[Arc<Case>]) -> Vec<Trial> {
    type Check = fn(&Bench, &[Arc<Case>]) -> Vec<String>;
    let checks: [(&str, Check); 4] = [
        ("meta::every_case_is_well_formed", find_malformed),
        ("meta::every_case_names_programs_that_exist", find_unknown_programs),
        ("meta::every_program_is_used", find_unused_programs),
        ("meta::every_program_compiles", find_uncompilable),
    ];
    let trial = |(name, check): (&str, Check)| {
        let (bench, cases) = (Arc::clone(bench), cases.to_vec());
        Trial::test(name, move || {
            let faults = check(&bench, &cases);
            if faults.is_empty() { Ok(()) } else { Err(Failed::from(faults.join("\n"))) }
        })
    };
    checks.into_iter().map(trial).collect()
}

fn find_malformed(_: &Bench, cases: &[Arc<Case>]) -> Vec<String> {
    let mut names = HashSet::new();
    let mut faults = Vec::new();
    for case in cases {
        faults.extend(case.fault().map(|fault| format!("{}: {fault}", case.name)));
        if !names.insert(&case.name) {
            faults.push(format!("there are two cases named {}", case.name));
        }
    }
    faults
}

fn find_unknown_programs(bench: &Bench, cases: &[Arc<Case>]) -> Vec<String> {
    let named = cases.iter().flat_map(|case| case.programs().into_iter().map(move |program| (case, program)));
    named
        .filter_map(|(case, program)| {
            bench.programs.get(program).err().map(|fault| format!("{}: {fault}", case.name))
        })
        .collect()
}

fn find_unused_programs(bench: &Bench, cases: &[Arc<Case>]) -> Vec<String> {
    let used: HashSet<&str> = cases.iter().flat_map(|case| case.programs()).collect();
    let unused =
        bench.programs.all().map(|program| program.name.as_str()).filter(|name| !used.contains(name));
    unused
        .filter(|name| !OF_OTHERS.iter().any(|prefix| name.starts_with(prefix)) && !LAUNCHERS.contains(name))
        .map(str::to_owned)
        .collect()
}

/// Builds all that is to be built, on every processor.
fn find_uncompilable(bench: &Bench, _: &[Arc<Case>]) -> Vec<String> {
    let compiled = |language| matches!(language, Language::C | Language::Rust);
    let names: Vec<&str> = bench
        .programs
        .all()
        .filter(|program| compiled(program.language))
        .map(|program| program.name.as_str())
        .collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = names.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let build = |names: &[&str]| {
            names.iter().filter_map(|name| bench.programs.file(name).err()).collect::<Vec<_>>()
        };
        let started: Vec<_> = names.chunks(share).map(|names| scope.spawn(move || build(names))).collect();
        started
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|_| vec!["a build panicked".to_owned()]))
            .collect()
    })
}
