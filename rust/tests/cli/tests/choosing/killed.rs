//! Tracers that are killed at each stage of a run: by the kernel, at a system call that belongs to that stage.

use crate::tracers::{Tracers, reason};

/// What has to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The command had not begun: the next backend runs it.
    FallsBack,
    /// It had begun: it runs on to its end, and the record is partial.
    RunsOn,
    /// It had begun, and is killed with its tracer.
    KilledToo,
    /// It had ended: what is left of the record is used.
    Ended,
}

fn check(backend: &str, rule: &str, outcome: Outcome) {
    let next = if backend == "ptrace" { "preload" } else { "ptrace" };
    let script = format!(
        "[ \"$1\" = --check ] && exec REAL \"$@\"; [ \"$1\" = --recover ] && exec REAL \"$@\"; exec CONFINE {rule} -- REAL \"$@\""
    );
    let tracers = Tracers::none().script(backend, &script).real(next);
    // What a tracer keeps from one run to the next is there: it is written in the same way as the report.
    tracers.env.roar(["tracer", "check", backend]);
    let (answer, report) = tracers.run(&["--tracer", backend]);
    let what = format!("{backend} {rule}: {answer}\n{report}");
    match outcome {
        Outcome::FallsBack => {
            assert_eq!(report["backend"], next, "{what}");
            assert_eq!(reason(&report, backend), "it ended before it began to trace", "{what}");
            assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{what}");
        }
        Outcome::RunsOn => {
            assert_eq!(report["backend"], backend, "{what}");
            assert_eq!(report["coverage"]["complete"], false, "{what}");
            assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{what}");
        }
        Outcome::KilledToo => {
            assert_eq!(report["coverage"]["complete"], false, "{what}");
            assert_eq!(answer.status, "137", "{what}");
            assert!(tracers.runs() <= 1, "{what}");
        }
        Outcome::Ended => {
            assert_eq!(report["backend"], backend, "{what}");
            assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{what}");
        }
    }
}

/// PTRACE_SEIZE: the command waits to be seized, and must not run on without.
#[test]
fn ptrace_killed_before_it_has_the_command() {
    check("ptrace", "ptrace:16902=KILL", Outcome::FallsBack);
}

#[test]
fn ptrace_killed_while_the_command_runs() {
    check("ptrace", "wait4=KILL", Outcome::KilledToo);
}

#[test]
fn ptrace_killed_before_its_report_is_there() {
    check("ptrace", "rename=KILL", Outcome::Ended);
}

#[test]
fn preload_killed_before_the_command_is_made() {
    check("preload", "signalfd4=KILL", Outcome::FallsBack);
}

#[test]
fn preload_killed_while_the_command_runs() {
    check("preload", "wait4=KILL", Outcome::RunsOn);
}

#[test]
fn preload_killed_before_its_report_is_there() {
    check("preload", "rename=KILL", Outcome::Ended);
}

/// Returns whether it can be tried here; with `ebpf` in `ROAR_REQUIRE` it has to be.
fn has_ebpf() -> bool {
    let answer = Tracers::none().real("ebpf").env.line("tracer check ebpf");
    let is_required =
        std::env::var("ROAR_REQUIRE").is_ok_and(|words| words.split(',').any(|word| word == "ebpf"));
    assert!(answer.status == "0" || !is_required, "{answer}");
    if answer.status != "0" {
        println!("skipped: {answer}");
    }
    answer.status == "0"
}

#[test]
fn ebpf_killed_before_the_command_is_made() {
    if has_ebpf() {
        check("ebpf", "bpf=KILL", Outcome::FallsBack);
        check("ebpf", "signalfd4=KILL", Outcome::FallsBack);
    }
}

#[test]
fn ebpf_killed_while_the_command_runs() {
    if has_ebpf() {
        check("ebpf", "wait4=KILL", Outcome::RunsOn);
    }
}

#[test]
fn ebpf_killed_before_its_report_is_there() {
    if has_ebpf() {
        check("ebpf", "rename=KILL", Outcome::Ended);
    }
}
