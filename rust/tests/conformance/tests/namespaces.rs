//! Some cases with roar itself in a PID namespace, and below another root directory, as tests named `BACKEND::in_WORLD::CASE`. The records are
//! to be the same: paths and process ids are those that roar sees.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::backend::judge_availability;
use conformance::case::{Case, load_cases};
use conformance::program::Programs;
use conformance::run::{Bench, Verdict, run_case};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

const BACKENDS: [&str; 3] = ["ebpf", "preload", "ptrace"];

/// Starts a program below a root directory that has all that the other has.
const BELOW_ROOT: &str = r#"here=$PWD; mount --rbind / /mnt; exec chroot /mnt env -C "$here" "$@""#;

/// Where roar is, and what starts it there.
const WORLDS: [(&str, &[&str]); 2] = [
    ("pid_namespace", &["unshare", "--mount", "--pid", "--fork", "--mount-proc"]),
    ("other_root", &["unshare", "--mount", "sh", "-ec", BELOW_ROOT, "sh"]),
];

/// One for each way that a path or a process comes into a record.
const CASES: [&str; 7] = [
    "relative_paths_follow_the_directory",
    "rename_onto_a_file_replaces_it",
    "atomic_write_of_a_file_read_before_is_both",
    "inherited_stdin_and_stdout_are_an_input_and_an_output",
    "program_executed_after_vfork_is_an_input",
    "script_whose_interpreter_takes_an_argument",
    "paths_below_a_new_root_are_seen_from_outside",
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = trials().unwrap_or_else(|words| {
        vec![Trial::test("namespaces::cases_can_be_read", move || Err(Failed::from(words)))]
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials() -> Result<Vec<Trial>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut cases = load_cases(&package.join("cases"))?;
    cases.retain(|case| CASES.contains(&case.name.as_str()));
    if cases.len() != CASES.len() {
        return Err("not all of the cases are there".to_owned());
    }
    let mut trials = Vec::new();
    for (world, words) in WORLDS {
        let programs = Programs::find(&package.join("../programs"), &scratch.join("programs"))?;
        let through = words.iter().map(|&word| word.to_owned()).collect();
        let bench = Arc::new(Bench::new(programs, scratch, through));
        for backend in BACKENDS {
            trials.extend(cases.iter().map(|case| trial(&bench, world, backend, case.clone())));
        }
    }
    Ok(trials)
}

fn trial(bench: &Arc<Bench>, world: &str, backend: &'static str, case: Case) -> Trial {
    let bench = Arc::clone(bench);
    Trial::ignorable_test(format!("{backend}::in_{world}::{}", case.name), move || {
        if !rustix::process::geteuid().is_root() {
            return Ok(Completion::ignored_with("needs root"));
        }
        if let Some(Verdict::Skipped(reason)) = judge_availability(&bench.target_dir, backend)? {
            return Ok(Completion::ignored_with(reason));
        }
        match run_case(&bench, &case, backend)? {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        }
    })
}
