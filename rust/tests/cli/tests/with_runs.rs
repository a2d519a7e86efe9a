//! Commands that show what was recorded. They run under ptrace, which needs nothing.

use std::io::Read;
use std::process::Stdio;

use cli_tests::{Answer, TestEnv};
use insta::assert_snapshot;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env
}

/// Two steps, the second of which uses what the first made.
fn pipeline() -> TestEnv {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.roar(["run", "sort", "-o", "sorted.csv", "in.csv"]);
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env
}

/// Leaves out what depends on the machine's packages, and on process ids.
fn without_machine(answer: Answer) -> String {
    let text = answer.to_string();
    let text = text.split("\npackages").next().unwrap_or_default();
    let (facts, processes) = text.split_once("\nprocesses ").unwrap_or((text, ""));
    let count = processes.lines().next().unwrap_or_default();
    let commands = processes
        .lines()
        .skip(1)
        .map(|line| line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()));
    let environment = |line: &&str| !line.trim_start().starts_with("environ");
    let facts: Vec<&str> = facts.lines().filter(environment).collect();
    let mut commands: Vec<&str> = commands.collect();
    commands.insert(0, count);
    format!("{}\nprocesses {}", facts.join("\n"), commands.join("\n"))
}

#[test]
fn the_first_run_makes_a_place_and_says_what_was_recorded() {
    let env = env();
    env.write("in.csv", "b\na\n");
    assert_snapshot!(env.line("run sort in.csv"), @"
    status: 0
    ----- stdout
    a
    b
    ----- stderr
    roar: made [DIR]/project/.roar
    roar: @1 recorded: 1 input, 0 outputs ([TOOK])
    ");
    assert_snapshot!(env.line("run -q sort in.csv"), @"
    status: 0
    ----- stdout
    a
    b
    ");
}

#[test]
fn the_status_of_the_command_is_the_status_of_roar() {
    let env = env();
    env.line("init");
    assert_snapshot!(env.roar(["run", "sh", "-c", "exit 7"]), @"
    status: 7
    ----- stderr
    roar: @1 recorded: 0 inputs, 0 outputs ([TOOK])
    ");
    assert_snapshot!(env.line("run nosuchcommand"), @"
    status: 127
    ----- stderr
    error: cannot execute nosuchcommand: No such file or directory (os error 2)

    hint: check the spelling, and that its directory is in PATH
    roar: @2 recorded: 0 inputs, 0 outputs ([TOOK])
    ");
    env.write("notes.txt", "");
    assert_snapshot!(env.line("run ./notes.txt"), @"
    status: 126
    ----- stderr
    error: cannot execute ./notes.txt: Permission denied (os error 13)

    hint: make it executable with `chmod +x`
    roar: @3 recorded: 0 inputs, 0 outputs ([TOOK])
    ");
    assert_snapshot!(env.roar(["run", "sh", "-c", "kill -TERM $$"]), @"
    status: signal: 15 (SIGTERM)
    ----- stderr
    roar: @4 recorded: 0 inputs, 0 outputs ([TOOK])
    ");
    assert_snapshot!(env.roar(["run", "sh", "-c", "kill -KILL $$"]), @"
    status: 137
    ----- stderr
    roar: @5 recorded: 0 inputs, 0 outputs ([TOOK])
    ");
}

#[test]
fn the_log_lists_jobs_newest_first() {
    let env = pipeline();
    env.line("build --label stage=setup true");
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @3  [JOB]  [TIME]  [TOOK]  0  0  0  build  true
    @2  [JOB]  [TIME]  [TOOK]  0  1  1  sh -c 'head -1 sorted.csv > first.txt'
    @1  [JOB]  [TIME]  [TOOK]  0  1  1  sort -o sorted.csv in.csv
    ");
    assert_snapshot!(env.line("log -n 1"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @3  [JOB]  [TIME]  [TOOK]  0  0  0  build  true
    ");
}

#[test]
fn status_names_the_last_job_and_what_is_stale() {
    let env = pipeline();
    assert_snapshot!(env.line("status"), @"
    status: 0
    ----- stdout
    session  2 jobs since [TIME]
    last job  @2 sh -c 'head -1 sorted.csv > first.txt'
               [TIME], exit 0, [TOOK], 1 input, 1 output, ptrace
    tracer  ptrace
    stale  nothing
    ");
    env.write("in.csv", "c\n");
    env.roar(["run", "sort", "-o", "sorted.csv", "in.csv"]);
    assert_snapshot!(env.line("status"), @"
    status: 0
    ----- stdout
    session  3 jobs since [TIME]
    last job  @3 sort -o sorted.csv in.csv
               [TIME], exit 0, [TOOK], 1 input, 1 output, ptrace
    tracer  ptrace
    stale  @2 sh -c 'head -1 sorted.csv > first.txt': @3 made sorted.csv anew
    ");
}

#[test]
fn the_graph_shows_who_made_what_the_others_used() {
    let env = pipeline();
    assert_snapshot!(env.line("dag"), @"
    status: 0
    ----- stdout
    @1  sort -o sorted.csv in.csv
        in  in.csv
        out  sorted.csv
    @2  sh -c 'head -1 sorted.csv > first.txt'
        in  sorted.csv  ← @1
        out  first.txt
    ");
    env.roar(["run", "sort", "-o", "sorted.csv", "in.csv"]);
    assert_snapshot!(env.line("dag"), @"
    status: 0
    ----- stdout
    @3  sort -o sorted.csv in.csv  (again; first @1)
        in  in.csv
        out  sorted.csv
    @2  sh -c 'head -1 sorted.csv > first.txt'
        in  sorted.csv  ← @3
        out  first.txt
    ");
    assert_snapshot!(env.line("dag --expanded --artifacts"), @"
    status: 0
    ----- stdout
    @1  sort -o sorted.csv in.csv
        in  in.csv  6320d89fad37
        out  sorted.csv  41153ec5e22e
    @2  sh -c 'head -1 sorted.csv > first.txt'
        in  sorted.csv  41153ec5e22e  ← @1
        out  first.txt  81c4b7f7e054
    @3  sort -o sorted.csv in.csv
        in  in.csv  6320d89fad37
        out  sorted.csv  41153ec5e22e
    ");
}

#[test]
fn names_that_cannot_be_seen_are_escaped() {
    let env = env();
    env.roar([
        "run",
        "sh",
        "-c",
        r#"echo > "$(printf 'two\nlines')"; echo > "$(printf 'bad\377')"; echo > 'a b'"#,
    ]);
    assert_snapshot!(env.line("dag"), @r#"
    status: 0
    ----- stdout
    @1  sh -c 'echo > "$(printf '\''two\nlines'\'')"; echo > "$(printf '\''bad\377'\'')"; echo > '\''a b'\'''
        out  'a b'
        out  $'bad\377'
        out  $'two\nlines'
    "#);
}

#[test]
fn a_step_of_very_many_files_is_still_read_at_a_glance() {
    let env = env();
    env.roar(["run", "sh", "-c", "i=0; while [ $i -lt 1500 ]; do : > f$i; i=$((i+1)); done"]);
    assert_snapshot!(env.line("dag"), @"
    status: 0
    ----- stdout
    @1  sh -c 'i=0; while [ $i -lt 1500 ]; do : > f$i; i=$((i+1)); done'
        out  f0
        out  f1
        out  f10
        out  f100
        out  f1000
        out  f1001
        out  f1002
        out  f1003
        out  … 1,492 more (`--artifacts` lists all)
    ");
    assert_eq!(env.line("dag --artifacts").stdout.lines().count(), 1501);
}

#[test]
fn show_tells_everything_of_a_job() {
    let env = pipeline();
    assert_snapshot!(without_machine(env.line("show @2")), @"
    status: 0
    ----- stdout
    job @2  [JOB-ID]
      command  sh -c 'head -1 sorted.csv > first.txt'
      directory  [DIR]/project
      started  [TIME], took [TOOK]
      exit  0
      backend  ptrace (seccomp), [N] events, [TOOK] of CPU time
      coverage  complete

    inputs 1
      41153ec5e22e  4 B  sorted.csv

    outputs 1
      81c4b7f7e054  2 B  first.txt

    [N] temporary or filtered files not shown (`--all` does)
    processes 2
      exit 0  [TOOK]  sh -c 'head -1 sorted.csv > first.txt'
      exit 0  [TOOK]  head -1 sorted.csv
    ");
}

#[test]
fn show_finds_an_artifact_and_a_path() {
    let env = pipeline();
    let job: serde_json::Value = serde_json::from_str(&env.line("show @1 --json").stdout).unwrap();
    let files = job["files"].as_array().unwrap();
    let output = files.iter().find(|file| file["role"] == "output").unwrap();
    let hash = output["hash"]["blake3"].as_str().unwrap();
    assert_snapshot!(env.roar(["show", &hash[..8]]), @"
    status: 0
    ----- stdout
    artifact 41153ec5e22e7e1d208eec929ef45dcd31fd71283799b0615bb8753491715e5b
      blake3  41153ec5e22e7e1d208eec929ef45dcd31fd71283799b0615bb8753491715e5b
      kind  file, 4 B

    step  path  command
    @2  read  sorted.csv  sh -c 'head -1 sorted.csv > first.txt'
    @1  wrote  sorted.csv  sort -o sorted.csv in.csv
    ");
    assert_snapshot!(env.line("show sorted.csv"), @"
    status: 0
    ----- stdout
    step  hash  size  started  command
    @2  read  41153ec5e22e  4 B  [TIME]  sh -c 'head -1 sorted.csv > first.txt'
    @1  made  41153ec5e22e  4 B  [TIME]  sort -o sorted.csv in.csv
    ");
    assert_snapshot!(env.line("show ./sub/../sorted.csv"), @"
    status: 0
    ----- stdout
    step  hash  size  started  command
    @2  read  41153ec5e22e  4 B  [TIME]  sh -c 'head -1 sorted.csv > first.txt'
    @1  made  41153ec5e22e  4 B  [TIME]  sort -o sorted.csv in.csv
    ");
}

#[test]
fn what_is_not_found_is_answered_with_what_is_near() {
    let env = pipeline();
    assert_snapshot!(env.line("show sortde.csv"), @"
    status: 1
    ----- stderr
    error: sortde.csv is no step, job, hash or path that is recorded

    hint: nearest is:
      ./sorted.csv
    ");
    assert_snapshot!(env.line("show @9"), @"
    status: 1
    ----- stderr
    error: @9 is no step, job, hash or path that is recorded

    hint: nearest is:
      [JOB-ID]  @2 sh -c 'head -1 sorted.csv > first.txt'
    ");
    assert_snapshot!(env.line("show nothing-like-it"), @"
    status: 1
    ----- stderr
    error: nothing-like-it is no step, job, hash or path that is recorded

    hint: `roar log` lists the jobs
    ");
}

#[test]
fn what_can_mean_several_things_is_answered_with_all_of_them() {
    let env = pipeline();
    let output = env.command().args(["log", "--json"]).output().unwrap();
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // Six digits of an id are some hours of time.
    let prefix = &log["jobs"][0]["id"].as_str().unwrap()[..6];
    let answer = env.roar(["show", prefix]).to_string().replace(prefix, "[PREFIX]");
    assert_snapshot!(answer, @"
    status: 1
    ----- stderr
    error: [PREFIX] can mean several things

    hint: say which one:
      [JOB-ID]  @2 sh -c 'head -1 sorted.csv > first.txt'
      [JOB-ID]  @1 sort -o sorted.csv in.csv
    ");
}

#[test]
fn show_json_of_a_job_is_the_report_that_run_wrote() {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.line("run --report report.json sort -o out.csv in.csv");
    let written: serde_json::Value = serde_json::from_str(&env.read("report.json")).unwrap();
    let output = env.command().args(["show", "@1", "--json"]).output().unwrap();
    let mut shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let job = shown.as_object_mut().unwrap().remove("job").unwrap();
    assert_eq!(shown, written);
    assert_eq!(job["step"], 1);
    assert_eq!(shown["format"], "roar.report/1");
}

#[test]
fn every_reading_command_prints_json() {
    let env = pipeline();
    for (line, format) in [
        ("log --json", "roar.log/1"),
        ("status --json", "roar.status/1"),
        ("show --json", "roar.session/1"),
        ("show sorted.csv --json", "roar.path/1"),
        ("dag --json", "roar.dag/1"),
        ("config list --json", "roar.config/1"),
    ] {
        let output = env.command().args(line.split(' ')).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["format"], format, "{line}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let env = env();
    env.roar([
        "run",
        "sh",
        "-c",
        "i=0; while [ $i -lt 3000 ]; do : > a-rather-long-name-of-a-file-$i; i=$((i+1)); done",
    ]);
    let mut child = env
        .command()
        .args(["dag", "--artifacts"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds is left unread.
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(env.answer(&output).to_string(), "status: 0\n");
}

#[test]
fn there_is_colour_only_where_it_is_wanted() {
    let mut env = pipeline();
    assert!(!env.line("log").stdout.contains('\x1b'));
    env.set("CLICOLOR_FORCE", "1");
    assert!(env.line("log").stdout.contains('\x1b'));
    env.set("NO_COLOR", "1");
    assert!(!env.line("log").stdout.contains('\x1b'));
}

#[test]
fn a_store_that_the_command_removes_is_made_again_for_its_record() {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.roar(["run", "-q", "sort", "in.csv"]);
    env.roar(["run", "-q", "sh", "-c", "rm .roar/roar.db*; sort in.csv"]);
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @1  [JOB]  [TIME]  [TOOK]  0  1  0  sh -c 'rm .roar/roar.db*; sort in.csv'
    ");
}
