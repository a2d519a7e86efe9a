//! The cases under ptrace where the kernel refuses what makes it fast: without seccomp (every call stops), without
//! PTRACE_GET_SYSCALL_INFO (registers are read), without both; and where roar has not the rights of root. The records are
//! to be the same. Each case has one of these, in turn; with `ROAR_SLOW=1` it has all.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::case::{Case, load_cases};
use conformance::env;
use conformance::program::Programs;
use conformance::run::{Bench, Verdict, run_case};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What is missing, as `confine.c` takes it.
const REFUSED: [&str; 4] = ["seccomp", "syscall_info", "both", "root"];

/// Cases whose programs install a filter of their own, which is what is refused.
const WITH_FILTERS: [&str; 5] = [
    "process_in_strict_mode_is_followed",
    "process_with_a_filter_of_its_own_is_followed",
    "removal_that_a_filter_pretends_is_nothing",
    "supervisor_inside_the_run_is_a_gap",
    "vforked_children_change_themselves_alone",
];

/// Cases that are different without the rights of root for reasons of their own: `PATH` may name directories that only
/// root may search, and git reads again what has changed its owner.
const OF_ROOT: [&str; 2] = ["command_that_is_not_found_on_the_path", "git_checkout_replaces_and_deletes"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = (0..REFUSED.len()).map(trials).collect::<Result<Vec<_>>>();
    let trials = trials.unwrap_or_else(|words| {
        vec![vec![Trial::test("confined::cases_can_be_read", move || Err(Failed::from(words)))]]
    });
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}

fn trials(turn: usize) -> Result<Vec<Trial>> {
    let refused = REFUSED[turn];
    let is_every = env::is_slow_wanted();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(&package.join("../programs"), &scratch.join("programs"))?;
    let through = [programs.command("confine")?, vec![refused.to_owned()]].concat();
    let bench = Arc::new(Bench::new(programs, scratch, through));
    let cases = load_cases(&package.join("cases"))?;
    Ok(cases
        .into_iter()
        .enumerate()
        .filter(|(at, case)| (is_every || at % REFUSED.len() == turn) && is_possible(case, refused))
        .map(|(_, case)| trial(&bench, case, refused))
        .collect())
}

fn is_possible(case: &Case, refused: &str) -> bool {
    match refused {
        "syscall_info" => true,
        "root" => !OF_ROOT.contains(&case.name.as_str()) && !case.needs.iter().any(|need| need == "root"),
        _ => !WITH_FILTERS.contains(&case.name.as_str()),
    }
}

fn trial(bench: &Arc<Bench>, case: Case, refused: &str) -> Trial {
    let bench = Arc::clone(bench);
    Trial::ignorable_test(format!("confined::without_{refused}::{}", case.name), move || {
        match run_case(&bench, &case, "ptrace")? {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        }
    })
}
