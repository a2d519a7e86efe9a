//! The cases with the C library of another release, in a root directory of its own: its programs, and ours built for it. `cargo xtask libcs`
//! makes such roots; without one there is nothing to test. The records are to be the same.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::backend::{BARE, HOOKED, MUSL};
use conformance::case::{Case, FileSpec, load_cases};
use conformance::env;
use conformance::program::{Language, Programs};
use conformance::run::{Bench, Verdict, run_case, tracer_mode};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What there must be a compiler for.
const SIMPLEST: &str = "nothing";

/// Cases that are others elsewhere.
const LEFT_OUT: &[(&str, &str)] =
    &[("musl keeps the signal for itself", "real_time_signal_to_the_whole_group_disturbs_nothing")];

/// Starts a program with another root directory, as in a container, and in the same working directory.
const ENTER: &str = r#"here=$PWD; cd "$0"; pivot_root . .; umount -l .; exec env -C "$here" "$@""#;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = env::root().map_or(Ok(Vec::new()), |root| trials(&root));
    let trials = trials.unwrap_or_else(|words| {
        vec![Trial::test("roots::cases_can_be_read", move || Err(Failed::from(words)))]
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(root: &Path) -> Result<Vec<Trial>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let libc = env::root_libc();
    let name = root.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let built = scratch.join(format!("programs-{name}-{libc}"));
    let programs = Programs::find(&package.join("../programs"), &built)?.compiled_by(env::root_compiler());
    programs.file(SIMPLEST)?;
    let through =
        ["unshare", "--mount", "sh", "-ec", ENTER, &root.to_string_lossy()].map(str::to_owned).to_vec();
    let bench = Arc::new(Bench::new(programs, scratch, through));
    let backends: &[_] = if libc == MUSL { &[BARE, MUSL] } else { &[BARE, "preload", HOOKED] };
    let cases: Vec<Case> = load_cases(&package.join("cases"))?
        .into_iter()
        .filter(|case| is_possible(&bench, case, &libc))
        .collect();
    let plain = cases.iter().find(|case| case.program.as_deref() == Some("read_plain"));
    let mut trials = vec![patched_trial(&bench, plain.ok_or("there is no plain case")?.clone(), backends[1])];
    for backend in backends {
        trials.extend(cases.iter().map(|case| trial(&bench, case.clone(), backend)));
    }
    Ok(trials)
}

/// The C library of this machine, and what is linked with it, are not there.
fn is_possible(bench: &Bench, case: &Case, libc: &str) -> bool {
    let is_in_c = |name: &str| bench.programs.get(name).is_ok_and(|program| program.language == Language::C);
    let is_in_rust =
        |name: &&str| bench.programs.get(name).is_ok_and(|program| program.language == Language::Rust);
    let is_copy = |spec: &FileSpec| matches!(spec, FileSpec::Detailed(file) if file.copy.is_some());
    // What is not built for musl is linked with the other library there, and run with that.
    let is_of_libc = libc != MUSL
        || (case.program.as_deref().is_some_and(is_in_c)
            && !case.programs().iter().any(|name| name.ends_with("_static"))
            && !LEFT_OUT.iter().any(|(_, name)| *name == case.name));
    is_of_libc && !case.programs().iter().any(is_in_rust) && !case.files.values().any(is_copy)
}

fn trial(bench: &Arc<Bench>, case: Case, backend: &'static str) -> Trial {
    let bench = Arc::clone(bench);
    Trial::ignorable_test(format!("{backend}::{}", case.name), move || {
        // An old library lacks what new programs call.
        if let Some(words) = case.programs().iter().find_map(|name| bench.programs.file(name).err()) {
            let first = words.lines().nth(1).unwrap_or(&words).to_owned();
            return Ok(Completion::ignored_with(first));
        }
        match run_case(&bench, &case, backend)? {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        }
    })
}

/// Its system calls are patched: hooks, which know less, are for what nobody has seen.
fn patched_trial(bench: &Arc<Bench>, case: Case, backend: &'static str) -> Trial {
    let bench = Arc::clone(bench);
    Trial::test(format!("{backend}::c_library_is_patched"), move || {
        match tracer_mode(&bench, &case, backend)? {
            mode if mode == "patched" => Ok(()),
            mode => Err(Failed::from(format!("the mode is {mode:?}"))),
        }
    })
}
