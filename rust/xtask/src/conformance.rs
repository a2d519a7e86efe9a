//! `cargo xtask conformance`: the programs of `tests/conformance` against the observation model, by backend and case,
//! many times over or on a busy machine.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, ensure};

use crate::flags::Flags;
use crate::nextest::Nextest;
use crate::workspace;

/// Spinning threads for each core under `--load`: enough that every stop of a tracee waits its turn.
const SPINNERS_PER_CORE: usize = 2;

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let backend: Option<String> = flags.value("--backend")?;
    let case: Option<String> = flags.value("--case")?;
    let repeat: Option<u32> = flags.value("--repeat")?;
    let is_loaded = flags.switch("--load");
    flags.finish()?;
    ensure!(repeat != Some(0), "`--repeat` starts at 1");

    workspace::build_programs(&workspace::shell()?)?;
    let mut arguments = vec!["--filterset".to_owned(), filter(backend.as_deref(), case.as_deref())];
    if let Some(count) = repeat {
        arguments.push(format!("--stress-count={count}"));
    }
    let nextest = Nextest::new(["--package", "conformance"]).args(&arguments);
    let nextest = match &backend {
        Some(backend) => nextest.require(backend),
        None => nextest,
    };
    if is_loaded { under_load(|| nextest.run()) } else { nextest.run() }
}

/// Tests are named `BACKEND::CASE`.
fn filter(backend: Option<&str>, case: Option<&str>) -> String {
    let scope = Some("package(conformance)".to_owned());
    let backend = backend.map(|backend| format!(r"test(/^{backend}::/)"));
    let case = case.map(|case| format!("test(~{case})"));
    [scope, backend, case].into_iter().flatten().collect::<Vec<_>>().join(" & ")
}

/// Runs `work` while every core is kept busy by others.
fn under_load<T>(work: impl FnOnce() -> T) -> T {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..cores * SPINNERS_PER_CORE {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            });
        }
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_filter_names_what_was_asked_for() {
        assert_eq!(filter(None, None), "package(conformance)");
        assert_eq!(
            filter(Some("ptrace"), Some("mmap")),
            r"package(conformance) & test(/^ptrace::/) & test(~mmap)"
        );
    }
}
