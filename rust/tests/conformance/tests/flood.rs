//! More events at once than a tracer can take, as tests named `BACKEND::flood::WHAT`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::backend::judge_availability;
use conformance::flood::{burst, overrun};
use conformance::program::Programs;
use conformance::run::{Bench, Verdict};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

type Flood = fn(&Bench, &'static str) -> Result<()>;

/// Under ptrace a program waits for its tracer, and under preload for memory.
const FLOODS: [(&str, &str, Flood); 2] = [("ebpf", "burst", burst), ("ebpf", "overrun", overrun)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = load().map(|bench| FLOODS.map(|flood| trial(&bench, flood)).into());
    let trials = trials.unwrap_or_else(|words| {
        vec![Trial::test("meta::flood_programs_can_be_found", move || Err(Failed::from(words)))]
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn load() -> Result<Arc<Bench>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Programs::find(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs"),
        &scratch.join("programs"),
    )?;
    Ok(Arc::new(Bench::new(programs, scratch, Vec::new())))
}

fn trial(bench: &Arc<Bench>, (backend, name, flood): (&'static str, &str, Flood)) -> Trial {
    let bench = Arc::clone(bench);
    Trial::ignorable_test(format!("{backend}::flood::{name}"), move || {
        if let Some(Verdict::Skipped(reason)) = judge_availability(&bench.target_dir, backend)? {
            return Ok(Completion::ignored_with(reason));
        }
        flood(&bench, backend)?;
        Ok(Completion::Completed)
    })
}
