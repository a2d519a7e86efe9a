//! The cases under each backend, many in one run. `cargo xtask kernels` runs them so on emulated machines, where each start of a tracer
//! takes seconds; elsewhere there is nothing to test, since there each has a run of its own.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use conformance::Result;
use conformance::case::{Case, load_cases};
use conformance::env;
use conformance::program::Programs;
use conformance::run::{Bench, DRIVE, Together, Verdict, drive, is_possible_together, run_together};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Those that see what programs do by way of the kernel.
const BACKENDS: [&str; 2] = ["ptrace", "ebpf"];

/// Cases that are others among many, and why.
const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        "what is to answer it gives up while others have their turn",
        &["inode_used_again_by_another_process_is_another_file"],
    ),
    (
        "it has the kernel forget all names that it has in memory, for those after it as well",
        &["names_that_are_not_in_memory", "names_in_a_directory_that_is_not_in_memory"],
    ),
    (
        "its interpreter has a relative path, and it is not where the run began",
        &["script_whose_interpreter_is_a_script", "dynamic_linker_is_an_input"],
    ),
    (
        "it takes seconds on an emulated machine, and is about a library in the process",
        &[
            "libraries_loaded_and_unloaded_are_followed",
            "processes_in_sandboxes_are_followed",
            "children_that_share_the_memory_and_run_at_once_are_followed",
            "threads_with_the_smallest_stacks_are_followed",
            "cancelled_threads_clean_up",
        ],
    ),
    (
        "it takes a minute on an emulated machine, and has no other calls than those of many others",
        &[
            "bytes_are_counted_before_threads_by_them_and_after_them",
            "five_thousand_files",
            "forks_of_a_program_with_busy_threads_are_followed",
            "handlers_that_interrupt_all_the_while_are_followed",
            "handlers_that_jump_out_of_calls_leave_all_well",
            "many_short_processes",
            "process_killed_in_an_exec_of_a_thread_is_no_gap",
            "signals_all_the_while_lose_nothing",
            "thousand_children_at_once",
            "three_hundred_heads_fifty_at_a_time",
            "three_hundred_heads_one_after_another",
        ],
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, list, endings] = words.as_slice()
        && word == DRIVE
    {
        return exit_code(drive(Path::new(list), Path::new(endings)));
    }
    let arguments = Arguments::from_args();
    let trials = if env::is_together() { trials(&arguments) } else { Ok(Vec::new()) };
    let trials = trials.unwrap_or_else(|words| {
        vec![Trial::test("together::cases_can_be_read", move || Err(Failed::from(words)))]
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(clippy::print_stderr, reason = "the run of all cases has nobody else to tell it to")]
fn exit_code(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}

/// The cases of one run.
struct Batch {
    bench: Arc<Bench>,
    backend: &'static str,
    cases: Vec<Case>,
    outcome: OnceLock<Result<Together>>,
}

impl Batch {
    /// Returns what became of them, which the first who asks waits for.
    fn outcome(&self) -> Result<&Together> {
        let run = || run_together(&self.bench, &self.cases.iter().collect::<Vec<_>>(), self.backend);
        self.outcome.get_or_init(run).as_ref().map_err(Clone::clone)
    }
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(&package.join("../programs"), &scratch.join("programs"))?;
    let bench = Arc::new(Bench::new(programs, scratch, Vec::new()));
    let cases = load_cases(&package.join("cases"))?;
    let is_chosen = |name: &str| arguments.filter.as_deref().is_none_or(|filter| name.contains(filter));
    let mut trials = Vec::new();
    for backend in BACKENDS {
        let name_of = |case: &Case| format!("{backend}::{}", case.name);
        let is_left_out = |case: &Case| LEFT_OUT.iter().any(|(_, names)| names.contains(&case.name.as_str()));
        let of_backend =
            cases.iter().filter(|case| is_possible_together(case, backend) && !is_left_out(case));
        let chosen: Vec<Case> = of_backend.filter(|case| is_chosen(&name_of(case))).cloned().collect();
        let batch =
            Arc::new(Batch { bench: Arc::clone(&bench), backend, cases: chosen, outcome: OnceLock::new() });
        if !batch.cases.is_empty() {
            trials.push(whole(&batch));
        }
        trials.extend((0..batch.cases.len()).map(|at| single(&batch, at, name_of(&batch.cases[at]))));
    }
    Ok(trials)
}

/// Tests the run and what its report says of all cases.
fn whole(batch: &Arc<Batch>) -> Trial {
    let batch = Arc::clone(batch);
    Trial::test(format!("{}::run_of_all_cases", batch.backend), move || {
        let faults = &batch.outcome()?.faults;
        if faults.is_empty() { Ok(()) } else { Err(Failed::from(faults.join("\n"))) }
    })
}

fn single(batch: &Arc<Batch>, at: usize, name: String) -> Trial {
    let batch = Arc::clone(batch);
    Trial::ignorable_test(name, move || {
        let Ok(outcome) = batch.outcome() else {
            return Ok(Completion::ignored_with("the run of all cases has failed"));
        };
        match outcome.verdict(&batch.cases[at])? {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        }
    })
}
