//! The cases of C programs with programs that are linked with musl, of which the preload tracer makes a plan when the first of them asks. The
//! records are to be the same.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::backend::{MUSL, is_required};
use conformance::case::{Case, load_cases};
use conformance::program::{Language, Programs};
use conformance::run::{Bench, Verdict, run_case};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Programs that cannot be built for musl, and why.
const NOT_FOR_MUSL: &[(&str, &[&str])] = &[
    (
        "musl 1.2.3 has no close_range",
        &["fd_close_range", "fd_close_range_cloexec", "fd_close_range_unshare"],
    ),
    (
        "it has no renameat2",
        &[
            "rename_directory_exchange",
            "rename_exchange",
            "rename_exchange_own",
            "rename_fails",
            "renameat2_noreplace",
            "renameat2_noreplace_fails",
        ],
    ),
    ("it has no preadv2 and pwritev2", &["read_preadv2", "write_pwritev2"]),
    ("the loader that the case brings is another's", &["own_loader"]),
    ("it has no statx", &["stat_only", "lookup_statx"]),
    ("it has no dlmopen", &["life_loads"]),
    (
        "roar itself, which is not linked with it, is given the library",
        &["life_interposed", "life_interposer"],
    ),
    ("it has no pkey_mprotect", &["mmap_pkey_mprotect"]),
    ("it does not name these modes of fallocate", &["fallocate_collapse", "fallocate_zero_range"]),
    ("sanitizers are not built for it", &["sanitizer_complains", "sanitizer_quiet"]),
    ("it keeps the real-time signal that the case sends for itself", &["signal_group"]),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = trials().unwrap_or_else(|words| {
        vec![Trial::test("musl::cases_can_be_read", move || Err(Failed::from(words)))]
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials() -> Result<Vec<Trial>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(&package.join("../programs"), &scratch.join("programs-musl"))?.for_musl();
    let bench = Arc::new(Bench::new(programs, scratch, Vec::new()));
    let cases = load_cases(&package.join("cases"))?;
    Ok(cases.into_iter().filter(|case| is_possible(&bench, case)).map(|case| trial(&bench, case)).collect())
}

/// Only programs in C are built for another C library, and a static one has none that anybody could hook.
fn is_possible(bench: &Bench, case: &Case) -> bool {
    let is_in_c = |name: &&str| {
        bench.programs.get(name).is_ok_and(|program| program.language == Language::C)
            && !name.ends_with("_static")
    };
    let is_left_out = |name: &&str| NOT_FOR_MUSL.iter().any(|(_, names)| names.contains(name));
    let programs = case.programs();
    case.first_program().is_some_and(|name| is_in_c(&name)) && !programs.iter().any(is_left_out)
}

fn trial(bench: &Arc<Bench>, case: Case) -> Trial {
    let bench = Arc::clone(bench);
    Trial::ignorable_test(format!("{MUSL}::{}", case.name), move || {
        if !is_installed() && !is_required(MUSL) {
            return Ok(Completion::ignored_with("musl-gcc is not installed"));
        }
        match run_case(&bench, &case, MUSL)? {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
        }
    })
}

fn is_installed() -> bool {
    std::process::Command::new("musl-gcc").arg("-v").output().is_ok()
}
