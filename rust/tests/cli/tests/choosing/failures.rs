//! Backends that cannot be used, or turn out not to be when they are started.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use crate::tracers::{Tracers, documented, reason};

/// Answers as the real one, and notes that it was asked.
const COUNTING: &str = "[ \"$1\" = --check ] && echo asked >> ASKED";

#[test]
fn a_backend_that_is_missing_or_broken_makes_way_for_the_next() {
    let tracers =
        Tracers::none().script("preload", "echo cannot open libfoo.so >&2; exit 127").real("ptrace");
    let (answer, report) = tracers.run(&[]);
    assert_eq!(answer.status, "0", "{answer}");
    assert_eq!(report["backend"], "ptrace");
    assert!(reason(&report, "ebpf").starts_with(documented("not installed: there is no ")), "{report}");
    assert!(
        reason(&report, "preload").contains("does not work: it ended with status 127: cannot open libfoo.so"),
        "{report}"
    );
    documented("does not work: it ended with status 127: ");
    assert_eq!(tracers.runs(), 1);
    // Nothing is said of what auto passed over unless somebody wants to know.
    assert!(!answer.stderr.contains("preload"), "{answer}");
    let (answer, _) = tracers.run(&["-v"]);
    assert!(answer.stderr.contains("roar: passed over preload: "), "{answer}");
}

#[test]
fn a_file_that_is_no_program_is_broken_and_not_absent() {
    let tracers = Tracers::none().real("ptrace");
    fs::write(tracers.path("preload"), "\x7fELF of another machine").unwrap();
    let executable = Command::new("chmod").arg("+x").arg(tracers.path("preload")).status().unwrap();
    assert!(executable.success());
    let (_, report) = tracers.run(&[]);
    assert!(reason(&report, "preload").contains("roar-tracer-preload does not work: "), "{report}");
}

#[test]
fn a_hanging_preflight_is_killed_and_passed_over() {
    let mut tracers = Tracers::none()
        .script("preload", "printf 'roar.preflight/1 preload\\ntrying\\tto think\\n'; exec sleep 1000")
        .real("ptrace");
    tracers.env.set("ROAR_TRACER_PREFLIGHT_TIMEOUT_MS", "300");
    let (answer, report) = tracers.run(&[]);
    assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{answer}");
    documented("it did not answer within ");
    assert_snapshot!(reason(&report, "preload"), @"it did not answer within 300 ms, while it tried to think; if the machine is just busy, raise `tracer.preflight_timeout_ms`");
}

#[test]
fn an_answer_is_remembered_until_the_program_changes() {
    let counting = format!("{COUNTING}; exec REAL \"$@\"");
    let tracers = Tracers::none().script("ptrace", &counting);
    for _ in 0..3 {
        let (answer, report) = tracers.run(&[]);
        assert_eq!(report["backend"], "ptrace", "{answer}");
    }
    assert_eq!(tracers.asked("ptrace"), 1);
    // The same script again, in another file.
    let tracers = tracers.script("ptrace", &counting);
    tracers.run(&[]);
    assert_eq!(tracers.asked("ptrace"), 2);
    assert_eq!(tracers.runs(), 4);
}

#[test]
fn a_no_that_is_remembered_is_asked_about_again_before_a_run_is_refused() {
    let script = format!("{COUNTING}; [ -e \"$HOME/works\" ] || exit 9; exec REAL \"$@\"");
    let tracers = Tracers::none().script("ptrace", &script);
    let (answer, _) = tracers.run(&[]);
    assert_eq!(answer.status, "125", "{answer}");
    // Nothing changes of which roar could know.
    fs::write(tracers.env.home().join("works"), "").unwrap();
    let (answer, report) = tracers.run(&[]);
    assert_eq!(report["backend"], "ptrace", "{answer}");
    assert_eq!(tracers.runs(), 1);
}

#[test]
fn a_backend_that_passes_and_then_fails_at_its_start_makes_way_and_is_asked_again() {
    let script = format!("{COUNTING}; [ \"$1\" = --check ] || exit 1; exec REAL \"$@\"");
    let tracers = Tracers::none().script("preload", &script).real("ptrace");
    let (answer, report) = tracers.run(&[]);
    assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{answer}");
    assert_eq!(report["backend"], "ptrace");
    assert_eq!(reason(&report, "preload"), documented("it ended before it began to trace"));
    let asked = tracers.asked("preload");
    tracers.run(&[]);
    assert!(tracers.asked("preload") > asked);
}

#[test]
fn a_start_that_hangs_ends_and_the_command_runs_once() {
    let mut tracers = Tracers::none()
        .script("preload", "[ \"$1\" = --check ] || exec sleep 1000; exec REAL \"$@\"")
        .real("ptrace");
    tracers.env.set("ROAR_TRACER_PREFLIGHT_TIMEOUT_MS", "1000");
    let (answer, report) = tracers.run(&["--tracer", "preload"]);
    assert_eq!((answer.status.as_str(), tracers.runs()), ("0", 1), "{answer}");
    assert_eq!(report["backend"], "ptrace");
    assert_eq!(reason(&report, "preload"), documented("it did not begin to trace in time, and was killed"));
    assert!(
        answer.stderr.contains("warning: the preload backend could not be used: it did not begin"),
        "{answer}"
    );
}

#[test]
fn without_fallback_the_run_is_refused_and_the_command_has_not_run() {
    let tracers = Tracers::none().script("preload", "exit 9").real("ptrace");
    let (answer, _) = tracers.run(&["--tracer", "preload", "--no-tracer-fallback"]);
    assert_eq!(tracers.runs(), 0);
    assert_snapshot!(answer, @"
    status: 125
    ----- stderr
    error: no tracer can be used here

    hint: preload: roar-tracer-preload does not work: it ended with status 9 and said nothing; install roar anew: its tracers are of the same build as roar
    hint: the command was not run; run it without `roar run` to do without a record
    ");
}

#[test]
fn a_program_that_no_library_enters_is_traced_by_another_backend() {
    let tracers = Tracers::none().real("preload").real("ptrace");
    tracers.env.write("main.c", "int main(void) { return 5; }\n");
    let compiled = Command::new("gcc")
        .args(["-static", "-o", "whole", "main.c"])
        .current_dir(tracers.env.project())
        .status()
        .unwrap();
    assert!(compiled.success());
    let answer = tracers.env.line("run -v ./whole");
    assert_eq!(answer.status, "5", "{answer}");
    assert!(answer.stderr.contains("ptrace"), "{answer}");
    assert!(
        answer
            .stderr
            .contains("passed over preload: it does not see this command: ./whole, statically linked"),
        "{answer}"
    );
    let answer = tracers.env.line("run -v true");
    assert!(answer.stderr.contains(", preload)"), "{answer}");
    documented("it does not see this command: ./");
    // Named, it is taken all the same, and says what it misses.
    let answer = tracers.env.line("run --tracer preload --require-complete ./whole");
    assert_eq!(answer.status, "124", "{answer}");
    let partial = "./whole: a static program, into which no loader puts a library: what it did, and what its children did unless the \
                   library is in them, was not seen: use `--tracer ptrace`";
    let partial = partial.replace("./whole", &tracers.env.project().join("whole").to_string_lossy());
    let partial = partial.replace(&*tracers.env.project().parent().unwrap().to_string_lossy(), "[DIR]");
    assert!(answer.stderr.contains(&format!("warning: this record is partial: {partial}\n")), "{answer}");
    assert!(
        answer.stderr.contains("error: not all was seen, and `--require-complete` asks for that\n"),
        "{answer}"
    );
    // Quiet is not silent about that, and the record is there.
    let answer = tracers.env.line("run -q --tracer preload --require-complete ./whole");
    assert_eq!(answer.status, "124", "{answer}");
    assert!(answer.stderr.contains(&format!("  caused by: {partial}\n")), "{answer}");
    assert_eq!(tracers.env.line("log").stdout.matches("./whole").count(), 3);
}

#[test]
fn what_a_policy_of_the_kernel_refuses_is_passed_over_with_its_error_number() {
    let tracers = Tracers::none().real("ebpf").real("preload").real("ptrace");
    let under = |rules: &[&str], words: &[&str]| {
        let roar = tracers.env.command();
        let mut command = Command::new("python3");
        command.arg("-I").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/confine.py")).args(rules).arg("--");
        command.arg(roar.get_program()).args(words).env_clear().current_dir(tracers.env.project());
        command.envs(roar.get_envs().filter_map(|(name, value)| Some((name, value?))));
        tracers.env.answer(&command.output().unwrap())
    };
    for (rule, words) in [
        ("bpf=EPERM", "bpf(2): EPERM: Operation not permitted"),
        ("bpf=ENOSYS", "bpf(2): ENOSYS: Function not implemented"),
    ] {
        let answer = under(&[rule], &["tracer", "--json"]);
        let tracer: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(tracer["active"], "preload", "{answer}");
        assert!(tracer["backends"][0]["reason"].as_str().unwrap().starts_with(documented(words)), "{answer}");
        assert_eq!(tracer["backends"][2]["usable"], true);
        let answer = under(&[rule], &["run", "-v", "true"]);
        assert!(answer.stderr.contains("passed over ebpf: bpf(2): "), "{answer}");
    }
    let answer = under(&["ptrace=EPERM"], &["tracer", "check", "ptrace"]);
    assert_eq!(answer.status, "1", "{answer}");
    let words = documented("trial: EPERM: Operation not permitted");
    assert!(answer.stdout.contains(&format!("cannot be used: {words}")), "{answer}");
    assert!(answer.stdout.contains("--cap-add SYS_PTRACE"), "{answer}");
}

#[test]
fn a_tracer_without_its_library_says_so() {
    let tracers = Tracers::none();
    // A copy: a link would lead to where the library is.
    let real =
        std::path::Path::new(tracers.env.command().get_program()).with_file_name("roar-tracer-preload");
    fs::copy(real, tracers.path("preload")).unwrap();
    let answer = tracers.env.line("tracer check preload");
    assert_eq!(answer.status, "1", "{answer}");
    let words = documented("library: libroar_preload.so: No such file or directory (os error 2)");
    assert!(answer.stdout.contains(&format!("cannot be used: {words}")), "{answer}");
}

/// Needs root, to be somebody else.
#[test]
fn a_user_without_rights_is_told_what_to_do() {
    let tracers = Tracers::none();
    let ebpf = std::path::Path::new(tracers.env.command().get_program()).with_file_name("roar-tracer-ebpf");
    let asked = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(words)
            .arg(&ebpf)
            .arg("--check");
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    let answer = asked(&[]);
    if !answer.starts_with("roar.preflight/1 ebpf\n") {
        println!("skipped: needs root, and programs that everybody may execute");
        return;
    }
    let plain = |words: &str| words.replace(": ", "\t");
    assert!(answer.contains(&plain(documented("CAP_BPF: not there"))), "{answer}");
    let answer = asked(&["unshare", "--user", "--map-root-user"]);
    if answer.contains('\t') {
        let words = documented("user namespace: capabilities count inside this user namespace alone");
        assert!(answer.contains(&plain(words)), "{answer}");
    }
}

#[test]
fn ptrace_within_strace_names_the_other_tracer() {
    let tracers = Tracers::none().real("ptrace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null"]).arg(tracers.path("ptrace")).arg("--check");
    let answer = String::from_utf8_lossy(&strace.output().unwrap().stdout).into_owned();
    let fact = answer.lines().find(|line| line.starts_with("suspect\ttracer\tprocess ")).unwrap_or_default();
    assert!(fact.contains(documented("(strace) traces this one")), "{answer}");
    assert!(answer.contains("unmet\ttrial\tEPERM: "), "{answer}");
}
