//! What was recorded against what is on disk. The commands run under ptrace, which needs nothing.

use std::fs;

use cli_tests::TestEnv;
use insta::{allow_duplicates, assert_snapshot};

/// Three steps: sorting by a script, the first line of that, and all files of a directory.
fn pipeline() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in.csv", "b\na\n");
    env.write("sort.sh", "sort \"$1\" > \"$2\"\n");
    env.write("parts/1.csv", "1\n");
    env.write("parts/2.csv", "2\n");
    env.line("run sh sort.sh in.csv sorted.csv");
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env.roar(["run", "sh", "-c", "cat parts/*.csv > all.csv"]);
    env
}

#[track_caller]
fn assert_nothing_is_stale(env: &TestEnv) {
    // Asked more than once in a test.
    allow_duplicates! {
        assert_snapshot!(env.line("stale"), @"
        status: 0
        ----- stderr
        nothing is stale
        ");
    }
}

#[test]
fn what_is_as_it_was_is_neither_stale_nor_different() {
    let env = pipeline();
    assert_nothing_is_stale(&env);
    assert_snapshot!(env.line("verify"), @"
    status: 0
    ----- stderr
    7 files: 7 same
    ");
    assert_snapshot!(env.line("rerun"), @"
    status: 0
    ----- stderr
    nothing is stale
    ");
}

#[test]
fn stale_says_which_steps_must_run_again_and_why() {
    let env = pipeline();
    env.write("in.csv", "c\nb\n");
    fs::remove_file(env.project().join("all.csv")).unwrap();
    env.write("parts/3.csv", "3\n");
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        input in.csv has changed
    @2  sh -c 'head -1 sorted.csv > first.txt'
        takes from @1
    @3  sh -c 'cat parts/*.csv > all.csv'
        output all.csv is missing
        parts/3.csv is new in parts/, which it listed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    assert_snapshot!(env.line("status"), @"
    status: 0
    ----- stdout
    session  3 jobs since [TIME]
    last job  @3 sh -c 'cat parts/*.csv > all.csv'
               [TIME], exit 0, [TOOK], 2 inputs, 1 output, ptrace
    tracer  ptrace
    stale  @1 sh sort.sh in.csv sorted.csv: input in.csv has changed
               @2 sh -c 'head -1 sorted.csv > first.txt': takes from @1
               @3 sh -c 'cat parts/*.csv > all.csv': output all.csv is missing, parts/3.csv is new in parts/, which it listed
    ");
    env.write("sort.sh", "sort -u \"$1\" > \"$2\"\n");
    env.write("first.txt", "by hand\n");
    fs::remove_file(env.project().join("parts/1.csv")).unwrap();
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        input in.csv has changed
        code sort.sh has changed
    @2  sh -c 'head -1 sorted.csv > first.txt'
        output first.txt was changed by something else
        takes from @1
    @3  sh -c 'cat parts/*.csv > all.csv'
        input parts/1.csv is missing
        output all.csv is missing
        parts/3.csv is new in parts/, which it listed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
}

#[test]
fn a_directory_of_which_a_step_did_not_read_all_may_get_new_files() {
    let env = pipeline();
    env.roar(["run", "sh", "-c", "cat parts/1.csv in.csv > some.csv"]);
    env.write("more.csv", "");
    assert_nothing_is_stale(&env);
}

#[test]
fn a_listed_directory_with_other_names_makes_a_step_stale() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("data/a.csv", "a\n");
    env.write("data/b.csv", "b\n");
    env.write("data/notes.txt", "");
    env.write("more/x", "");
    env.roar(["run", "sh", "-c", "cat data/*.csv > data/all.tsv"]);
    env.roar(["run", "sh", "-c", "ls more > names"]);
    // What a step makes itself in a directory that it lists is not new, nor is what it does not care for.
    env.write("data/readme.txt", "");
    env.write("data/.c.csv.swp", "");
    assert_nothing_is_stale(&env);
    fs::remove_file(env.project().join("data/readme.txt")).unwrap();
    fs::remove_file(env.project().join("data/notes.txt")).unwrap();
    fs::rename(env.project().join("data/b.csv"), env.project().join("data/c.csv")).unwrap();
    fs::rename(env.project().join("more/x"), env.project().join("more/y")).unwrap();
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh -c 'cat data/*.csv > data/all.tsv'
        input data/b.csv is missing
        data/c.csv is new in data/, which it listed
    @2  sh -c 'ls more > names'
        more/y is new in more/, which it listed
        more/x is gone from more/, which it listed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    env.line("rerun");
    assert_nothing_is_stale(&env);
    fs::remove_dir_all(env.project().join("more")).unwrap();
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @4  sh -c 'ls more > names'
        more/, which it listed, cannot be listed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
}

#[test]
fn what_appears_where_a_step_found_nothing_makes_it_stale() {
    let mut env = TestEnv::new();
    // ptrace sees no call that fails: a seccomp filter cannot look at results.
    env.set("ROAR_TRACER_MODE", "preload");
    env.set("ROAR_TRACER_FALLBACK_ENABLED", "false");
    env.write("in", "a\n");
    env.write(
        "step.sh",
        "if [ -e settings ]; then cp settings out; else cp in out; fi\n[ -e log ] || echo made > log\n",
    );
    assert_eq!(env.line("run -q sh step.sh").status, "0");
    // What the step itself makes where nothing was is its output.
    assert_nothing_is_stale(&env);
    env.write("other", "");
    env.write("settings", "b\n");
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh step.sh
        settings, which it looked for, exists now
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(env.read("out"), "b\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn what_a_step_makes_in_a_directory_that_one_before_it_listed_is_new_there() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("data/a", "a\n");
    env.roar(["run", "sh", "-c", "ls data > names"]);
    env.roar(["run", "sh", "-c", "cp names data/names"]);
    // The second comes from the first: to run that again for it would have no end.
    assert_nothing_is_stale(&env);
    env.roar(["run", "sh", "-c", "mkdir data/sub; echo b > data/sub/b; echo c > data/c"]);
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh -c 'ls data > names'
        data/c is new in data/, which it listed
        data/sub/ is new in data/, which it listed
    @2  sh -c 'cp names data/names'
        takes from @1
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
}

#[test]
fn a_file_updated_step_by_step_makes_no_step_stale() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("log", "0\n");
    env.roar(["run", "sh", "-c", "wc -l < log >> log"]);
    env.roar(["run", "sh", "-c", "cat log >/dev/null; echo done >> log"]);
    assert_nothing_is_stale(&env);
}

#[test]
fn a_file_that_a_later_step_removed_is_not_missed() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.roar(["run", "sh", "-c", "echo a > part"]);
    env.roar(["run", "sh", "-c", "cat part > whole"]);
    env.roar(["run", "rm", "part"]);
    assert_nothing_is_stale(&env);
    assert_snapshot!(env.line("verify"), @"
    status: 0
    ----- stderr
    1 file: 1 same
    ");
}

#[test]
fn a_step_that_failed_or_was_broken_off_is_stale() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.roar(["run", "sh", "-c", "echo a > a; exit 3"]);
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh -c 'echo a > a; exit 3'
        it failed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
}

#[test]
fn verify_names_every_file_that_is_not_what_was_recorded() {
    let env = pipeline();
    env.write("sorted.csv", "z\n");
    fs::remove_file(env.project().join("first.txt")).unwrap();
    assert_snapshot!(env.line("verify"), @"
    status: 1
    ----- stdout
    missing  @2  81c4b7f7e054  first.txt
    changed  @2  41153ec5e22e  sorted.csv
    ----- stderr
    7 files: 5 same, 1 changed, 1 missing
    ");
    assert_snapshot!(env.line("verify @2"), @"
    status: 1
    ----- stdout
    missing  @2  81c4b7f7e054  first.txt
    changed  @2  41153ec5e22e  sorted.csv
    ----- stderr
    2 files: 0 same, 1 changed, 1 missing
    ");
    assert_snapshot!(env.line("verify in.csv"), @"
    status: 0
    ----- stderr
    1 file: 1 same
    ");
    assert_snapshot!(env.line("verify --all @3"), @"
    status: 0
    ----- stdout
    same  @3  a37d46d908a5  all.csv
    same  @3  50cc1102b1c6  parts/1.csv
    same  @3  b9a1a3183dd3  parts/2.csv
    ----- stderr
    3 files: 3 same
    ");
    assert_snapshot!(env.line("verify --json sorted.csv"), @r#"
    status: 1
    ----- stdout
    {
      "format": "roar.verify/1",
      "files": [
        {
          "path": "[DIR]/project/sorted.csv",
          "verdict": "changed",
          "recorded": "41153ec5e22e7e1d208eec929ef45dcd31fd71283799b0615bb8753491715e5b",
          "now": "ffaa7f53830b0e1744450c94db3c1264ffcd799e0131f9911529b30af4a87c16",
          "job": {
            "step": 2,
            "id": "[JOB-ID]"
          },
          "superseded_by": null,
          "reason": null
        }
      ]
    }
    "#);
}

#[test]
fn rerun_runs_what_is_stale_in_order_and_no_more() {
    let env = pipeline();
    // What it makes stays the same, so that the second step need not run.
    env.write("sort.sh", "sort \"$1\" > \"$2\" # the same\n");
    assert_snapshot!(env.line("rerun --dry-run"), @"
    status: 0
    ----- stdout
    @1 sh sort.sh in.csv sorted.csv
    @2 sh -c 'head -1 sorted.csv > first.txt'
    ");
    assert_snapshot!(env.line("rerun"), @"
    status: 0
    ----- stderr
    roar: @1 sh sort.sh in.csv sorted.csv
    roar: @4 recorded: 2 inputs, 1 output ([TOOK])
    roar: @2 sh -c 'head -1 sorted.csv > first.txt': its inputs came out the same, it need not run
    ");
    assert_nothing_is_stale(&env);
    env.write("in.csv", "z\ny\n");
    env.write("parts/1.csv", "one\n");
    assert_snapshot!(env.line("rerun @2"), @"
    status: 0
    ----- stderr
    roar: @4 sh sort.sh in.csv sorted.csv
    roar: @5 recorded: 2 inputs, 1 output ([TOOK])
    roar: @2 sh -c 'head -1 sorted.csv > first.txt'
    roar: @6 recorded: 1 input, 1 output ([TOOK])
    ");
    assert_eq!(env.read("first.txt"), "y\n");
    assert_eq!(env.read("all.csv"), "1\n2\n");
    assert_snapshot!(env.line("rerun @17"), @"
    status: 1
    ----- stderr
    error: there is no step @17 in this session

    hint: `roar dag` lists the steps
    ");
}

#[test]
fn rerun_stops_at_the_first_step_that_fails() {
    let env = pipeline();
    env.write("sort.sh", "exit 7\n");
    assert_snapshot!(env.line("rerun"), @"
    status: 1
    ----- stderr
    roar: @1 sh sort.sh in.csv sorted.csv
    roar: @4 recorded: 1 input, 0 outputs ([TOOK])
    roar: @1 failed, exit 7; no step was run after it
    ");
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        code sort.sh has changed
    @4  sh sort.sh in.csv sorted.csv
        it failed
    @2  sh -c 'head -1 sorted.csv > first.txt'
        takes from @1
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    env.write("sort.sh", "sort -r \"$1\" > \"$2\"\n");
    assert_snapshot!(env.line("rerun"), @"
    status: 0
    ----- stderr
    roar: @1 sh sort.sh in.csv sorted.csv
    roar: @5 recorded: 2 inputs, 1 output ([TOOK])
    roar: @4 sh sort.sh in.csv sorted.csv: the same was just run
    roar: @2 sh -c 'head -1 sorted.csv > first.txt'
    roar: @6 recorded: 1 input, 1 output ([TOOK])
    ");
    assert_eq!(env.read("first.txt"), "b\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn a_run_that_found_nothing_to_do_takes_no_step_away() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("a", "1\n");
    let make = ["run", "-q", "sh", "-c", "[ -e o ] || cat a > o"];
    env.roar(make);
    env.line("run -q cp o p");
    env.roar(make);
    fs::remove_file(env.project().join("o")).unwrap();
    env.write("a", "2\n");
    assert_snapshot!(env.line("rerun"), @"
    status: 0
    ----- stderr
    roar: @1 sh -c '[ -e o ] || cat a > o'
    roar: @4 recorded: 1 input, 1 output ([TOOK])
    roar: @2 cp o p
    roar: @5 recorded: 1 input, 1 output ([TOOK])
    ");
    assert_eq!(env.read("p"), "2\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn rerun_in_a_copy_of_a_project_leaves_the_first_alone() {
    let env = pipeline();
    let copy = env.project().with_file_name("copy");
    let copied = std::process::Command::new("cp").arg("-r").args([&env.project(), &copy]).status();
    assert!(copied.unwrap().success());
    env.write("in.csv", "z\n");
    fs::remove_file(env.project().join("all.csv")).unwrap();
    let output = env.command().args(["rerun", "@last"]).current_dir(&copy).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("which is not of this project"), "{output:?}");
    assert!(fs::metadata(env.project().join("all.csv")).is_err());
}

#[test]
fn what_roar_says_goes_into_no_output() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.line("init -n");
    let log = fs::File::create(env.project().join("log")).unwrap();
    let words = ["run", "sh", "-c", "echo done; echo oops >&2"];
    let output = env.command().args(words).stdout(log.try_clone().unwrap()).stderr(log).output().unwrap();
    assert!(output.status.success());
    assert_eq!(env.read("log"), "done\noops\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn a_command_runs_again_in_its_directory_with_its_streams() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.line("init -n");
    env.write("deep er/in put", "b\na\n");
    let at = |name: &str| env.project().join("deep er").join(name);
    let output = env
        .command()
        .args(["run", "-q", "sh", "-c", "sort; echo oops >&2"])
        .current_dir(env.project().join("deep er"))
        .stdin(fs::File::open(at("in put")).unwrap())
        .stdout(fs::File::create(at("out")).unwrap())
        .stderr(fs::OpenOptions::new().create(true).append(true).open(at("log")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_nothing_is_stale(&env);
    env.write("deep er/in put", "d\nc\n");
    assert_snapshot!(env.line("rerun"), @"
    status: 0
    ----- stderr
    roar: @1 sh -c 'sort; echo oops >&2'
    ");
    assert_eq!(fs::read_to_string(at("out")).unwrap(), "c\nd\n");
    assert!(fs::read_to_string(at("log")).unwrap().starts_with("oops\noops\n"));
}

#[test]
fn a_link_that_is_made_to_lead_elsewhere_makes_who_came_by_it_stale() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("v1/d.csv", "1\n");
    env.write("v2/d.csv", "2\n");
    let link = env.project().join("cur");
    std::os::unix::fs::symlink("v1", &link).unwrap();
    env.roar(["run", "-q", "sh", "-c", "cat cur/d.csv > by-link.csv"]);
    env.roar(["run", "-q", "cp", "v1/d.csv", "by-name.csv"]);
    assert_nothing_is_stale(&env);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("v2", &link).unwrap();
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh -c 'cat cur/d.csv > by-link.csv'
        link cur, by which it came to an input, leads elsewhere
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("by-link.csv")).unwrap(), "2\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn what_a_step_updates_is_made_anew_before_it_runs_again() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in", "1\n");
    env.write("add.sh", "echo $(cat f)a > f\n");
    env.write("append.sh", "echo b >> f\n");
    env.line("run -q cp in f");
    env.line("run -q sh add.sh");
    env.line("run -q sh append.sh");
    env.line("run -q cp f g");
    assert_nothing_is_stale(&env);
    env.write("add.sh", "echo $(cat f)A > f\n");
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  cp in f
        @2 takes f as this left it, and it was updated or removed since
    @2  sh add.sh
        code add.sh has changed
        takes from @1
    @3  sh append.sh
        takes from @2
    @4  cp f g
        takes from @3
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    assert_eq!(env.line("rerun @2").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("f")).unwrap(), "1A\n");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("g")).unwrap(), "1A\nb\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn a_step_that_goes_on_from_its_own_results_says_so() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("count", "1\n");
    env.write("add.sh", "echo $(($(cat count) + 1)) > count\n");
    env.line("run -q sh add.sh");
    assert_nothing_is_stale(&env);
    env.write("add.sh", "echo $(($(cat count) + 10)) > count\n");
    assert_snapshot!(env.line("stale"), @"
    status: 1
    ----- stdout
    @1  sh add.sh
        updates count in place, which is no longer what it first began from
        code add.sh has changed
    ----- stderr
    hint: `roar rerun` runs them again, in this order
    ");
    let answer = env.line("rerun");
    assert!(answer.stderr.contains("warning: it updates count in place"), "{answer}");
    // What it went on from this time is there again.
    env.write("count", "2\n");
    env.write("add.sh", "echo $(($(cat count) + 2)) > count\n");
    let answer = env.line("rerun");
    assert!(!answer.stderr.contains("warning"), "{answer}");
    assert_eq!(fs::read_to_string(env.project().join("count")).unwrap(), "4\n");
}

#[test]
fn what_was_read_between_two_updates_is_read_there_again() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in", "a b\n");
    for command in ["cp in f", "sed -i s/a/A/ f", "cp f between", "sed -i s/b/B/ f"] {
        env.line(&format!("run -q {command}"));
    }
    assert_nothing_is_stale(&env);
    env.write("in", "a c\n");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("between")).unwrap(), "A c\n");
    env.write("in", "a b\n");
    assert_eq!(env.line("rerun").status, "0");
    let read = |name: &str| fs::read_to_string(env.project().join(name)).unwrap();
    assert_eq!([read("between"), read("f")], ["A b\n", "A B\n"]);
    assert_nothing_is_stale(&env);
}

#[test]
fn what_was_moved_or_removed_is_made_anew_for_who_takes_it() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in", "1\n");
    env.write("last.sh", "cat c > d\n");
    for command in ["cp in a", "mv a b", "cp b c", "sh last.sh", "rm c"] {
        env.line(&format!("run -q {command}"));
    }
    assert_nothing_is_stale(&env);
    env.write("last.sh", "cat c c > d\n");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("d")).unwrap(), "1\n1\n");
    fs::remove_file(env.project().join("b")).unwrap();
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("b")).unwrap(), "1\n");
}

#[test]
fn a_step_that_was_run_again_is_done_whatever_it_went_on_from() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("rules", "s/a/aa/\n");
    env.write("f", "a\n");
    env.line("run -q sed -i -f rules f");
    env.line("run -q cp f g");
    env.write("rules", "s/a/ba/\n");
    assert_eq!(env.line("rerun").status, "0");
    assert_nothing_is_stale(&env);
    assert_eq!(fs::read_to_string(env.project().join("g")).unwrap(), "baa\n");
}

#[test]
fn a_rerun_that_found_nothing_to_do_settles_what_was_new() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("src/a.c", "1\n");
    env.write("Makefile", "prog: src/a.c\n\tcat src/a.c > prog\n");
    env.line("run -q make -s");
    env.write("src/b.c", "2\n");
    assert!(env.line("stale").stdout.contains("src/b.c is new"));
    assert_eq!(env.line("rerun").status, "0");
    assert_nothing_is_stale(&env);
}

#[test]
fn a_link_that_a_step_makes_is_between_that_and_who_comes_by_it() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("a", "1\n");
    env.write("b", "2\n");
    env.write("mk.sh", "ln -sfn b cur\n");
    env.line("run -q sh mk.sh");
    env.line("run -q cp cur o");
    assert!(env.line("lineage o").stdout.contains("@1  sh mk.sh"), "{}", env.line("lineage o"));
    env.write("mk.sh", "ln -sfn a cur\n");
    assert_eq!(env.line("rerun").status, "0");
    assert_eq!(fs::read_to_string(env.project().join("o")).unwrap(), "1\n");
    assert_nothing_is_stale(&env);
}

#[test]
fn who_takes_its_own_result_that_it_had_not_found_at_first_is_told() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("n", "1\n");
    env.write("add.sh", "echo $(($(cat sum 2>/dev/null || echo 0) + $(cat n))) > new; mv new sum\n");
    env.line("run -q sh add.sh");
    env.write("n", "5\n");
    let answer = env.line("rerun");
    assert!(answer.stderr.contains("warning: it went on from sum, its own result"), "{answer}");
    assert_nothing_is_stale(&env);
    fs::remove_file(env.project().join("sum")).unwrap();
    let answer = env.line("rerun");
    assert!(!answer.stderr.contains("warning"), "{answer}");
    assert_eq!(fs::read_to_string(env.project().join("sum")).unwrap(), "5\n");
}

/// A project of which steps are run, and what its files have to be.
struct Steps(TestEnv);

impl Steps {
    fn new(sources: &[(&str, &str)], steps: &[&str]) -> Self {
        let mut env = TestEnv::new();
        env.set("ROAR_TRACER_MODE", "ptrace");
        for (name, text) in sources {
            env.write(name, text);
        }
        for step in steps {
            env.roar(["run", "-q", "sh", "-c", step]);
        }
        Self(env)
    }

    #[track_caller]
    fn rerun(&self, files: &[(&str, &str)]) {
        let answer = self.0.line("rerun");
        assert_eq!(answer.status, "0", "{answer}");
        for (name, text) in files {
            assert_eq!(
                fs::read_to_string(self.0.project().join(name)).expect("it is there"),
                *text,
                "{name}: {answer}"
            );
        }
        assert_nothing_is_stale(&self.0);
    }
}

#[test]
fn a_step_that_need_not_run_is_no_reason_to_update_or_move_once_more() {
    let steps =
        Steps::new(&[("s", "h\nx\n")], &["head -n1 s > a", "cat a > b", "sed -i 's/$/_k/' b", "mv b c"]);
    steps.0.write("s", "h\ny\n");
    steps.rerun(&[("c", "h_k\n")]);
    steps.0.write("s", "i\n");
    steps.rerun(&[("c", "i_k\n")]);
}

#[test]
fn the_steps_keep_their_order_whichever_was_run_again_last() {
    let steps = Steps::new(&[("s", "1\n")], &["cp s e", "cp e f", "sed -i 's/$/_k/' e"]);
    steps.0.write("s", "2\n");
    steps.0.line("rerun @3");
    steps.rerun(&[("e", "2_k\n"), ("f", "2\n")]);
    // Made anew by hand, with the same result: what was updated is to be updated again.
    let steps = Steps::new(&[("s", "1\n")], &["cp s c", "sed -i 's/$/_k/' c", "cat c > out"]);
    steps.0.roar(["run", "-q", "sh", "-c", "cp s c"]);
    steps.rerun(&[("c", "1_k\n"), ("out", "1_k\n")]);
}

#[test]
fn what_two_steps_make_one_after_the_other_is_what_the_second_makes() {
    let steps = Steps::new(&[("s1", "1\n"), ("s2", "2\n")], &["cp s1 a", "cp s2 a", "cp a out"]);
    steps.0.write("s1", "11\n");
    steps.rerun(&[("a", "2\n"), ("out", "2\n")]);
    let removing = ["cp s1 x/1.csv", "cp s2 x/2.csv", "rm x/1.csv", "cat x/*.csv > all"];
    let steps = Steps::new(&[("s1", "1\n"), ("s2", "2\n"), ("x/none", "")], &removing);
    steps.0.write("s1", "11\n");
    steps.rerun(&[("all", "2\n")]);
}

#[test]
fn a_file_that_was_replaced_by_what_was_made_of_it_is_made_from_the_beginning() {
    let steps = Steps::new(&[("s", "1\n")], &["cp s d", "sed s/^/k/ d > d.new", "mv d.new d", "cat d > out"]);
    fs::remove_file(steps.0.project().join("d")).unwrap();
    steps.rerun(&[("d", "k1\n"), ("out", "k1\n")]);
    steps.0.write("d", "hand\n");
    steps.rerun(&[("d", "k1\n"), ("out", "k1\n")]);
}
