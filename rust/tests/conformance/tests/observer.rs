//! What a program sees, without roar and under each backend, as tests named `BACKEND::observer::OBSERVATION`.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::Result;
use conformance::backend::{BACKENDS, BARE};
use conformance::observation::{Observation, observe};
use conformance::program::Programs;
use conformance::run::{Bench, Verdict};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

const STATUS: Observation =
    Observation::new("status", &["observe_status", "an argument", "", "-q", "--", "\u{e9}\n"]);

/// Started by `launch` with an option that changes nothing: a parent in the same process group, as roar is one.
const PLAINLY: &[&str] = &["--nice", "0"];

/// A session of its own, in which roar and the command are alone.
const SESSION: &str = "setsid -w \"$@\"; echo $?";

const COPY: &[&str] = &["fd_copy_stdin_stdout"];

/// Signals by number, as `launch` takes them: 1 HUP, 2 INT, 3 QUIT, 10 USR1, 13 PIPE, 15 TERM, 17 CHLD, 18 CONT, 20 TSTP.
const OBSERVATIONS: &[Observation] = &[
    STATUS.launched(PLAINLY),
    named("status_with_closed_stdin", STATUS).launched(&["--close", "0"]),
    named("status_with_closed_stdout", STATUS).launched(&["--close", "1"]),
    named("status_with_closed_stderr", STATUS).launched(&["--close", "2"]).loud(),
    named("status_with_closed_stdin_and_stderr", STATUS).launched(&["--close", "0", "--close", "2"]).loud(),
    named("status_with_all_streams_closed", STATUS)
        .launched(&["--close", "0", "--close", "1", "--close", "2"])
        .loud(),
    named("status_with_full_stderr", STATUS).within("\"$@\" 2> /dev/full").loud(),
    named("status_with_sigpipe_ignored", STATUS).launched(&["--ignore", "13"]),
    named("status_with_sighup_ignored", STATUS).launched(&["--ignore", "1"]),
    named("status_with_sigchld_ignored", STATUS).launched(&["--ignore", "17"]),
    named("status_with_keyboard_signals_ignored", STATUS)
        .launched(&["--ignore", "2", "--ignore", "3", "--ignore", "20"]),
    named("status_with_blocked_signals", STATUS)
        .launched(&["--block", "10", "--block", "15", "--block", "17", "--block", "18", "--block", "2"]),
    named("status_with_few_descriptors", STATUS).launched(&["--nofile", "64"]),
    named("status_with_umask_077", STATUS).launched(&["--umask", "077"]),
    named("status_with_extra_descriptors", STATUS)
        .launched(&["--extra", "3", "--extra", "7", "--extra", "63"]),
    named("status_with_few_descriptors_and_the_last_taken", STATUS)
        .launched(&["--extra", "63", "--nofile", "64"]),
    named("status_of_a_nice_process", STATUS).launched(&["--nice", "5"]),
    named("status_in_the_background_of_a_shell", STATUS).within("\"$@\" & wait $!"),
    named("status_under_nohup", STATUS).within("nohup \"$@\""),
    named("status_in_a_session_of_its_own", STATUS).launched(PLAINLY).within("setsid -w \"$@\""),
    named("status_of_a_traceless_environment", STATUS).within("env -i \"$@\""),
    Observation::new("errors", &["observe_errors"]),
    Observation::new("signals", &["observe_signals"]),
    Observation::new("continued", &["observe_continue"]),
    Observation::new("children", &["observe_children"]),
    Observation::new("order", &["observe_order"]),
    Observation::new("order_on_one_stream", &["observe_order"]).launched(&["--merge", "1"]),
    Observation::new("order_through_a_pipe", &["observe_order"]).within("\"$@\" 2>&1 | cat"),
    Observation::new("terminal", &["observe_terminal"]).launched(&["--pty", "zc\\a"]),
    Observation::new("bytes_through_pipes", COPY).within("seq 200000 | \"$@\" | cksum"),
    Observation::new("binary_bytes_through_pipes", COPY).within("head -c 300000 /bin/sh | \"$@\" | cksum"),
    Observation::new("stdin_that_is_not_read", &["nothing"]).within("echo left | { \"$@\"; cat; }"),
    Observation::new("stdin_that_is_read_in_part", &["sh", "-c", "read line; echo $line"])
        .within("printf 'one\\ntwo\\n' | { \"$@\"; cat; }"),
    Observation::new("reader_that_goes_away", &["yes"]).within("{ \"$@\"; echo $? >&2; } | head -n1"),
    Observation::new("status_of_a_failing_command", &["sh", "-c", "echo words >&2; exit 7"])
        .within("\"$@\"; echo $?"),
    Observation::new("status_of_a_killed_command", &["sh", "-c", "kill -TERM $$"])
        .within("(\"$@\") 2> /dev/null; echo $?"),
    Observation::new(
        "sigalrm_to_the_whole_session",
        &["sh", "-c", "trap 'echo got' ALRM; kill -ALRM 0; echo end"],
    )
    .within(SESSION),
    Observation::new(
        "sigprof_to_the_whole_session",
        &["sh", "-c", "trap 'echo got' PROF; kill -PROF 0; echo end"],
    )
    .within(SESSION),
    Observation::new(
        "real_time_signal_to_the_whole_session",
        &["sh", "-c", "trap 'echo got' 34; kill -34 0; echo end"],
    )
    .within(SESSION),
    Observation::new("command_after_command", &["sh", "-c", "echo $1 >> log; cat log", "x", "y"])
        .within("\"$@\" && \"$@\" && cat log"),
];

const fn named(name: &'static str, observation: Observation) -> Observation {
    Observation { name, ..observation }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match load() {
        Ok(bench) => trials(&bench),
        Err(words) => vec![Trial::test("meta::programs_can_be_found", move || Err(Failed::from(words)))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn load() -> Result<Arc<Bench>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs");
    let programs = Programs::find(&programs, &scratch.join("programs"))?;
    Ok(Arc::new(Bench::new(programs, scratch, Vec::new())))
}

fn trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let mut trials = vec![meta_trial(bench)];
    for backend in [BARE].into_iter().chain(BACKENDS) {
        for observation in OBSERVATIONS {
            let bench = Arc::clone(bench);
            trials.push(Trial::ignorable_test(
                format!("{backend}::observer::{}", observation.name),
                move || match observe(&bench, observation, backend)? {
                    Verdict::Passed => Ok(Completion::Completed),
                    Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
                },
            ));
        }
    }
    trials
}

fn meta_trial(bench: &Arc<Bench>) -> Trial {
    let bench = Arc::clone(bench);
    Trial::test("meta::every_observer_is_used_and_every_name_is_unique", move || {
        let used: HashSet<&str> = OBSERVATIONS.iter().map(|observation| observation.command[0]).collect();
        let names: HashSet<&str> = OBSERVATIONS.iter().map(|observation| observation.name).collect();
        let observers = bench
            .programs
            .all()
            .map(|program| program.name.as_str())
            .filter(|name| name.starts_with("observe_"));
        let unused: Vec<&str> = observers.filter(|name| !used.contains(name)).collect();
        if !unused.is_empty() {
            return Err(Failed::from(format!("not used: {}", unused.join(", "))));
        }
        if names.len() < OBSERVATIONS.len() {
            Err(Failed::from("two observations have one name"))
        } else {
            Ok(())
        }
    })
}
