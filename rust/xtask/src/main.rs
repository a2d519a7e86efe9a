//! The task runner, `cargo xtask TASK`: everything a developer or CI does besides plain cargo.
//!
//! This file is the list of tasks; each lives in a module of its own. It never becomes part of what is shipped.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task runner reports to the terminal")]

mod aarch64;
mod agree;
mod bench;
mod choices;
mod ci;
mod conformance;
mod debian;
mod env;
mod exports;
mod faults;
mod flags;
mod initramfs;
mod kernels;
mod libcs;
mod lint;
mod machine;
mod macos;
mod nextest;
mod page;
mod probe;
mod python;
mod ray;
mod real;
mod suite;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::flags::Flags;

/// One task: what is typed, what it does in a line, and the function.
struct Task {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(Flags) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "ci",
        usage: "",
        about: "everything CI runs: lint, kernel side, release build, exports, other kernels, all tests",
        run: ci::run,
    },
    Task { name: "lint", usage: "", about: "formatting, clippy, docs and tidy", run: lint::run },
    Task { name: "test", usage: "[NEXTEST-ARGS…]", about: "release build, then all tests", run: test::run },
    Task {
        name: "conformance",
        usage: "[--backend B] [--case C] [--repeat N] [--load]",
        about: "programs against the observation model",
        run: conformance::run,
    },
    Task {
        name: "exports",
        usage: "",
        about: "exported lineage, judged by the standards' own libraries, by make and by DVC",
        run: exports::run,
    },
    Task {
        name: "page",
        usage: "[--screenshot FILE.png]",
        about: "the page of `roar dag --html`, driven in headless Chromium",
        run: page::run,
    },
    Task {
        name: "choices",
        usage: "[--no-build]",
        about: "which backend auto takes where something is forbidden or missing; needs root",
        run: choices::run,
    },
    Task {
        name: "agree",
        usage: "[--programs N] [--seed S] [--only N] [--script FILE] [--backend B]… [--keep DIR]",
        about: "random programs under all backends, held against each other and a model",
        run: agree::run,
    },
    Task {
        name: "faults",
        usage: "[--rounds N] [--seed S] [--backend B]",
        about: "parts of runs killed at any moment, and nothing lost",
        run: faults::run,
    },
    Task {
        name: "bench",
        usage: "[--quick] [--rounds N] [--tools T,…] [--json FILE] [WORKLOAD…|hash|startup]",
        about: "the cost of tracing, of hashing, of starting",
        run: bench::run,
    },
    Task {
        name: "aarch64",
        usage: "[--case C]",
        about: "the conformance suite on an emulated 64-bit Arm machine",
        run: aarch64::run,
    },
    Task {
        name: "kernels",
        usage: "[--release R]… [--case C] [--jobs N] [--require] [--shell COMMAND]",
        about: "the tracers on other Linux kernels, in emulated machines",
        run: kernels::run,
    },
    Task {
        name: "counts",
        usage: "",
        about: "the instructions that the eBPF tracer adds to a system call, counted in an emulated machine",
        run: kernels::run_counts,
    },
    Task {
        name: "macos",
        usage: "",
        about: "the preload library for macOS: linked, its table and calling convention checked",
        run: macos::run,
    },
    Task {
        name: "libcs",
        usage: "[--release R] [--case C]",
        about: "the conformance suite with the C libraries of other Debian releases",
        run: libcs::run,
    },
    Task {
        name: "probe",
        usage: "[--check]",
        about: "the kernel side of the eBPF tracer, compiled anew, or compared with what is there",
        run: probe::run,
    },
    Task {
        name: "ray",
        usage: "[--bench]",
        about: "the wheel, and roar under Ray; or what it costs tasks that do nothing",
        run: ray::run,
    },
    Task {
        name: "real",
        usage: "[--rounds N] [JOB…]",
        about: "real programs, bare and under each backend",
        run: real::run,
    },
    Task { name: "tidy", usage: "", about: "the house rules that clippy cannot know", run: tidy::run },
];

fn main() -> ExitCode {
    let mut arguments = env::arguments();
    let name = arguments.next().unwrap_or_default();
    if matches!(name.as_str(), "" | "help" | "-h" | "--help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    match dispatch(&name, Flags::new(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, flags: Flags) -> Result<()> {
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        bail!("no task `{name}`\n\n{}", help());
    };
    (task.run)(flags)
}

fn help() -> String {
    let lines = TASKS.iter().map(|Task { name, usage, about, run: _ }| {
        let typed = format!("{name} {usage}");
        format!("  {:<68} {about}\n", typed.trim_end())
    });
    format!("cargo xtask TASK\n\n{}", lines.collect::<String>())
}
