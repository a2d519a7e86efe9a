//! Making things anew. The commands run under ptrace, which needs nothing.

use std::fs;
use std::process::Command;

use cli_tests::{Answer, TestEnv};
use insta::assert_snapshot;

fn git(env: &TestEnv, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(env.project())
        .env("HOME", env.home())
        .output()
        .expect("git is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A set-up step and two others in a repository, the code of which has a change that is not committed.
fn pipeline() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in put.csv", "b\na\n");
    env.write("sort.sh", "exit 1\n");
    env.write(".gitignore", ".roar/\n");
    git(&env, &["init", "-q"]);
    git(&env, &["add", "sort.sh", ".gitignore"]);
    git(&env, &["commit", "-qm", "sort"]);
    env.write("sort.sh", "sort $(cat conf/flag) \"$1\" > \"$2\"\n");
    env.roar(["build", "sh", "-c", "mkdir -p conf && echo -r > conf/flag"]);
    env.roar(["run", "sh", "sort.sh", "in put.csv", "sorted.csv"]);
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env
}

/// A repository with nothing to speak of in it.
fn repository() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write(".gitignore", ".roar/\n");
    git(&env, &["init", "-q"]);
    git(&env, &["add", ".gitignore"]);
    git(&env, &["commit", "-qm", "first"]);
    env
}

/// Leaves out commits, packages and where the checkout is.
fn rewritten(answer: &Answer) -> String {
    let is_package = |line: &&str| !line.starts_with("  debian") && !line.starts_with("packages");
    let line = |line: &str| match line.split_once("commit ") {
        Some((before, after)) if after.bytes().take_while(u8::is_ascii_hexdigit).count() == 12 => {
            format!("{before}commit [ID]{}", &after[12..])
        }
        _ => match line.split_once("roar-reproduce-") {
            Some((before, _)) => format!("{before}roar-reproduce-[N]"),
            None => line.to_owned(),
        },
    };
    answer.to_string().lines().filter(is_package).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_plan_names_commit_changes_steps_and_where_inputs_come_from() {
    let env = pipeline();
    assert_snapshot!(rewritten(&env.line("reproduce first.txt")), @"
    status: 0
    ----- stdout
    first.txt  9d902f9864f3
    from
      .
    set-up
      at commit [ID] with 210 B of changes that were not committed
      @1  cd [DIR]/project && sh -c 'mkdir -p conf && echo -r > conf/flag'
    steps
      at commit [ID] with 210 B of changes that were not committed
      @2  cd [DIR]/project && sh sort.sh 'in put.csv' sorted.csv
          in  'in put.csv'  copied from disk
          in  sort.sh  from the commit and the changes
      @3  cd [DIR]/project && sh -c 'head -1 sorted.csv > first.txt'
    ----- stderr
    hint: `roar reproduce first.txt --run` does this in a clean checkout
    ");
    assert_snapshot!(env.line("reproduce sort.sh"), @"
    status: 1
    ----- stderr
    error: no recorded step made sort.sh

    hint: `roar inputs sort.sh` says what accounts for it
    ");
}

#[test]
fn what_is_made_anew_is_compared_step_by_step() {
    let env = pipeline();
    assert_snapshot!(rewritten(&env.line("reproduce first.txt --run")), @"
    status: 0
    ----- stdout
    same  @1  e6d18b4c4bcb  e6d18b4c4bcb  conf/flag
    same  @2  6320d89fad37  6320d89fad37  sorted.csv
    same  @3  9d902f9864f3  9d902f9864f3  first.txt
    reproduced: every file is the same
    checkout  [DIR]/tmp/roar-reproduce-[N]
    ----- stderr
    roar: @1 sh -c 'mkdir -p conf && echo -r > conf/flag'
    roar: @2 sh sort.sh 'in put.csv' sorted.csv
    roar: @3 sh -c 'head -1 sorted.csv > first.txt'
    ");
    // Nothing of the project was touched.
    assert_snapshot!(env.line("log -n 1"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @3  [JOB]  [TIME]  [TOOK]  0  1  1  sh -c 'head -1 sorted.csv > first.txt'
    ");
}

#[test]
fn what_comes_out_differently_is_named_with_the_step_since_which_it_does() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.roar(["run", "sh", "-c", "echo same > same.txt"]);
    env.roar(["run", "sh", "-c", "cat same.txt /proc/sys/kernel/random/uuid > id.txt"]);
    env.roar(["run", "cp", "id.txt", "copy.txt"]);
    let answer = env.line("reproduce copy.txt --run");
    assert_eq!(answer.status, "1", "{answer}");
    let verdicts: Vec<&str> =
        answer.stdout.lines().map(|line| line.split(' ').next().unwrap_or_default()).take(3).collect();
    assert_eq!(verdicts, ["same", "different", "different"], "{answer}");
    assert!(answer.stdout.contains("different since @2"), "{answer}");
}

#[test]
fn an_input_that_has_changed_since_is_refused_before_anything_runs() {
    let env = pipeline();
    env.write("in put.csv", "z\n");
    assert_snapshot!(rewritten(&env.line("reproduce first.txt")), @"
    status: 1
    ----- stdout
    first.txt  9d902f9864f3
    from
      .
    set-up
      at commit [ID] with 210 B of changes that were not committed
      @1  cd [DIR]/project && sh -c 'mkdir -p conf && echo -r > conf/flag'
    steps
      at commit [ID] with 210 B of changes that were not committed
      @2  cd [DIR]/project && sh sort.sh 'in put.csv' sorted.csv
          in  'in put.csv'  cannot be had
          in  sort.sh  from the commit and the changes
      @3  cd [DIR]/project && sh -c 'head -1 sorted.csv > first.txt'
    cannot be had
      'in put.csv'  for @2: it has changed since
    ");
    assert_snapshot!(env.line("reproduce first.txt --run"), @"
    status: 1
    ----- stderr
    error: '[DIR]/project/in put.csv', which @2 needs, cannot be had: it has changed since
    ");
}

#[test]
fn a_command_that_names_the_project_by_its_path_leaves_it_alone() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in.csv", "a\n");
    let project = env.project();
    let project = project.to_str().unwrap();
    env.roar(["run", "sh", "-c", &format!("cat {project}/in.csv >\"{project}/out.csv\"")]);
    env.write("out.csv", "by hand\n");
    assert_snapshot!(rewritten(&env.line("reproduce @1 --run --dir again")), @r#"
    status: 0
    ----- stdout
    same  @1  81c4b7f7e054  81c4b7f7e054  out.csv
    reproduced: every file is the same
    checkout  again
    ----- stderr
    roar: @1 sh -c 'cat [DIR]/project/in.csv >"[DIR]/project/out.csv"'
    "#);
    assert_eq!(env.read("out.csv"), "by hand\n");
    assert_eq!(env.read("again/out.csv"), "a\n");
}

#[test]
fn a_step_that_wrote_outside_of_the_project_is_not_run() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    // Not below the directory for temporary files, which are left out of outputs.
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let outside = elsewhere.path().join("outside.txt");
    env.roar(["run", "sh", "-c", &format!("echo a > {0}; cat {0} > in.txt", outside.display())]);
    fs::write(&outside, "mine\n").unwrap();
    let answer = env.line("reproduce in.txt --run");
    assert_eq!(answer.status, "1", "{answer}");
    assert!(answer.stderr.contains("error: the plan would overwrite "), "{answer}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
}

#[test]
fn a_step_gets_the_values_again_that_were_recorded() {
    let mut env = repository();
    env.line("init -n");
    env.line("env --record MODE");
    env.set("MODE", "fa st");
    env.roar(["run", "sh", "-c", "echo \"$MODE\" > mode"]);
    env.set("MODE", "other");
    let plan = env.line("reproduce mode").to_string();
    assert!(plan.contains("MODE='fa st' sh -c"), "{plan}");
    let outcome = env.line("reproduce mode --run").to_string();
    assert!(outcome.contains("reproduced: every file is the same"), "{outcome}");
}

#[test]
fn code_that_names_the_project_is_refused_before_it_writes_there() {
    let env = repository();
    env.write("in", "1\n");
    let project = env.project().display().to_string();
    env.write("copy.sh", &format!("cat {project}/in > {project}/out\n"));
    git(&env, &["add", "."]);
    git(&env, &["commit", "-qm", "copy"]);
    env.line("run -q sh copy.sh");
    env.write("out", "mine\n");
    assert_snapshot!(env.line("reproduce @1 --run"), @"
    status: 1
    ----- stderr
    error: [DIR]/project/copy.sh, which @1 uses, names [DIR]/project itself

    hint: from a clean checkout, too, it would work there: let it name what it uses from where it is run
    ");
    assert_eq!(env.read("out"), "mine\n");
}

#[test]
fn what_somebody_has_brought_to_another_path_is_brought_there_again() {
    let env = repository();
    env.roar(["run", "-q", "sh", "-c", "echo made > one"]);
    fs::rename(env.project().join("one"), env.project().join("two")).unwrap();
    env.roar(["run", "-q", "sh", "-c", "cat two > three"]);
    let outcome = env.line("reproduce three --run").to_string();
    assert!(outcome.contains("reproduced: every file is the same"), "{outcome}");
}

#[test]
fn a_commit_that_is_gone_and_a_program_that_is_gone_are_said_before_anything_runs() {
    let env = repository();
    env.write("in", "1\n");
    env.write("tools/copy", "#!/bin/sh\ncp \"$1\" \"$2\"\n");
    let mut mode = fs::metadata(env.project().join("tools/copy")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(env.project().join("tools/copy"), mode).unwrap();
    env.line("run -q tools/copy in out");
    assert_eq!(env.line("reproduce out").status, "0");
    git(&env, &["commit", "-q", "--amend", "--allow-empty", "-m", "another"]);
    git(&env, &["reflog", "expire", "--expire=now", "--all"]);
    git(&env, &["gc", "-q", "--prune=now"]);
    let answer = env.line("reproduce out");
    assert_eq!(answer.status, "1", "{answer}");
    assert!(answer.stdout.contains("cannot be done") && answer.stdout.contains("cannot be read"), "{answer}");
    let answer = env.line("reproduce out --run");
    assert_eq!(answer.status, "1", "{answer}");
    assert!(answer.stderr.contains("@1 cannot be run again: its commit"), "{answer}");
}

#[test]
fn a_step_makes_its_directories_itself_and_finds_those_that_were_there() {
    let env = repository();
    env.write("in", "1\n");
    fs::create_dir(env.project().join("there")).unwrap();
    env.roar(["run", "-q", "sh", "-c", "mkdir new && cp in new/x && cp in there/y"]);
    env.roar(["run", "-q", "sh", "-c", "cat new/x there/y > z"]);
    let answer = env.line("reproduce z --run");
    assert_eq!(answer.status, "0", "{answer}");
    assert!(answer.stdout.contains("reproduced: every file is the same"), "{answer}");
}

#[test]
fn what_leads_to_the_project_is_turned_to_the_checkout_or_refused() {
    let env = repository();
    env.write("in", "1\n");
    let project = env.project().to_owned();
    std::os::unix::fs::symlink(project.join("real"), project.join("by-link")).unwrap();
    git(&env, &["add", "in", "by-link"]);
    git(&env, &["commit", "-qm", "link"]);
    env.roar(["run", "-q", "sh", "-c", "cat in > by-link"]);
    env.write("real", "mine\n");
    let answer = env.line("reproduce real --run");
    assert_eq!(answer.status, "0", "{answer}");
    assert_eq!(fs::read_to_string(project.join("real")).unwrap(), "mine\n");
    env.write("config.ini", &format!("out={}/out\n", project.display()));
    env.roar(["run", "-q", "sh", "-c", ". ./config.ini; cat in > $out"]);
    let answer = env.line("reproduce out --run");
    assert_eq!(answer.status, "1", "{answer}");
    assert!(answer.stderr.contains("config.ini, which @2 uses, names"), "{answer}");
}

#[test]
fn links_that_led_to_inputs_are_there_again() {
    let env = repository();
    env.write("v1/d", "1\n");
    git(&env, &["add", "v1"]);
    git(&env, &["commit", "-qm", "data"]);
    std::os::unix::fs::symlink("v1", env.project().join("cur")).unwrap();
    env.line("run -q cp cur/d out");
    let answer = env.line("reproduce out --run");
    assert_eq!(answer.status, "0", "{answer}");
    assert!(answer.stdout.contains("reproduced: every file is the same"), "{answer}");
}
