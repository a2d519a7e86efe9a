//! What things come from. The commands run under ptrace, which needs nothing.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use cli_tests::{Answer, TestEnv};
use insta::assert_snapshot;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env
}

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

/// Three steps in a repository, one of which has nothing to do with the others.
fn pipeline() -> TestEnv {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.write("sort.sh", "sort \"$1\" > \"$2\"\n");
    git(&env, &["init", "-q"]);
    git(&env, &["add", "sort.sh"]);
    git(&env, &["commit", "-qm", "sort"]);
    env.line("run sh sort.sh in.csv sorted.csv");
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env.roar(["run", "sh", "-c", "echo other > other.txt"]);
    env
}

/// Leaves out which commit it was.
fn without_commit(text: &str) -> String {
    let word = |word: &str| {
        let id = word.trim_end_matches(',');
        let is_id = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { word.replace(id, "[ID]") } else { word.to_owned() }
    };
    let line = |line: &str| match line.split_once("commit ") {
        Some((before, after)) => {
            let words: Vec<String> = after.split(' ').map(word).collect();
            format!("{before}commit {}", words.join(" "))
        }
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn lineage_shows_what_an_artifact_comes_from_and_nothing_else() {
    let env = pipeline();
    assert_snapshot!(env.line("lineage first.txt"), @"
    status: 0
    ----- stdout
    first.txt  81c4b7f7e054  made by @2
    @1  sh sort.sh in.csv sorted.csv
        in  in.csv  6320d89fad37
        in  sort.sh  fad0e64356ac
        out  sorted.csv  41153ec5e22e
    @2  sh -c 'head -1 sorted.csv > first.txt'
        in  sorted.csv  41153ec5e22e  ← @1
        out  first.txt  81c4b7f7e054
    ");
    // A hash is as good as a name.
    let json = env.line("lineage --json first.txt").stdout;
    let hash = json.split("\"hash\": \"").nth(1).and_then(|rest| rest.get(..10)).unwrap().to_owned();
    assert_eq!(env.line(&format!("lineage {hash}")), env.line("lineage first.txt"));
    assert_snapshot!(env.line("lineage @1"), @"
    status: 0
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        in  in.csv  6320d89fad37
        in  sort.sh  fad0e64356ac
    ");
}

#[test]
fn a_file_that_was_updated_in_place_is_two_versions() {
    let env = env();
    env.roar(["run", "sh", "-c", "echo a > log"]);
    env.roar(["run", "sh", "-c", "echo b >> log"]);
    env.roar(["run", "cp", "log", "copy"]);
    assert_snapshot!(env.line("lineage copy"), @"
    status: 0
    ----- stdout
    copy  41153ec5e22e  made by @3
    @1  sh -c 'echo a > log'
        out  log  81c4b7f7e054
    @2  sh -c 'echo b >> log'
        out  log  41153ec5e22e  (updated)
    @3  cp log copy
        in  log  41153ec5e22e  ← @2
        out  copy  41153ec5e22e
    ");
    assert_snapshot!(env.line("dag"), @"
    status: 0
    ----- stdout
    @1  sh -c 'echo a > log'
        out  log
    @2  sh -c 'echo b >> log'
        out  log  (updated, was from @1)
    @3  cp log copy
        in  log  ← @2
        out  copy
    ");
}

#[test]
fn lineage_as_json_names_jobs_by_id_and_step() {
    let env = pipeline();
    let json = env.line("lineage --json sorted.csv").stdout;
    assert!(json.contains("\"format\": \"roar.lineage/1\""), "{json}");
    assert!(json.contains("\"step\": 1"), "{json}");
}

#[test]
fn inputs_lists_the_roots_and_what_accounts_for_them() {
    let env = pipeline();
    assert_snapshot!(without_commit(&env.line("inputs first.txt").to_string()), @"
    status: 0
    ----- stdout
    hash  from  used by  path
    6320d89fad37  unknown  @1  in.csv
    fad0e64356ac  commit [ID]  @1  sort.sh
    ");
    assert_snapshot!(env.line("inputs --unsourced first.txt"), @"
    status: 0
    ----- stdout
    hash  from  used by  path
    6320d89fad37  unknown  @1  in.csv
    ");
    env.write("sort.sh", "sort -u \"$1\" > \"$2\"\n");
    env.line("run sh sort.sh in.csv sorted.csv");
    assert_snapshot!(without_commit(&env.line("inputs sorted.csv").to_string()), @"
    status: 0
    ----- stdout
    hash  from  used by  path
    6320d89fad37  unknown  @4  in.csv
    05cdb3e005ff  commit [ID], changed  @4  sort.sh
    ");
}

#[test]
fn a_target_without_a_record_is_refused() {
    let env = pipeline();
    env.write("unseen.txt", "");
    assert_snapshot!(env.line("lineage unseen.txt"), @"
    status: 1
    ----- stderr
    error: unseen.txt is no step, job, hash or path that is recorded

    hint: `roar log` lists the jobs
    ");
    assert_snapshot!(env.line("inputs @9"), @"
    status: 1
    ----- stderr
    error: @9 is no step, job, hash or path that is recorded

    hint: nearest is:
      [JOB-ID]  @3 sh -c 'echo other > other.txt'
    ");
}

/// Runs roar in a terminal of four lines.
fn in_terminal(env: &TestEnv, arguments: &[&str]) -> Answer {
    // script(1) is not everywhere; python's pty is.
    let script = "import os, pty, sys, termios, fcntl, struct\n\
        pid, fd = pty.fork()\n\
        if pid == 0:\n    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 4, 80, 0, 0)); os.execv(sys.argv[1], sys.argv[1:])\n\
        out = b''\n\
        while True:\n\
        \x20   try:\n        block = os.read(fd, 65536)\n    except OSError:\n        break\n\
        \x20   if not block: break\n    out += block\n\
        os.waitpid(pid, 0)\n\
        sys.stdout.buffer.write(out.replace(b'\\r\\n', b'\\n'))\n";
    let roar = env.command();
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(roar.get_program()).args(arguments);
    python.current_dir(env.project()).env_clear();
    python.envs(roar.get_envs().filter_map(|(name, value)| Some((name, value?))));
    env.answer(&python.output().expect("python3 is installed"))
}

#[test]
fn what_is_longer_than_the_terminal_goes_through_the_pager() {
    let mut env = pipeline();
    env.set("PAGER", "sed 's/^/> /'");
    env.set("TERM", "dumb");
    let paged = in_terminal(&env, &["lineage", "first.txt"]);
    assert!(paged.stdout.starts_with("> first.txt"), "{paged}");
    // Where standard output is no terminal there is no pager.
    assert!(env.line("lineage first.txt").stdout.starts_with("first.txt"));
}

/// As many copies of the last job as make a list that is written in several pieces.
const COPY_JOBS: &str = "import sqlite3\n\
    store = sqlite3.connect('.roar/roar.db')\n\
    names = [row[1] for row in store.execute('PRAGMA table_info(job)') if row[1] != 'id']\n\
    values = ', '.join({'uuid': \"uuid || '-' || ?1\", 'step': 'step + ?1'}.get(name, name) for name in names)\n\
    last = store.execute('SELECT max(id) FROM job').fetchone()[0]\n\
    add = f\"INSERT INTO job ({', '.join(names)}) SELECT {values} FROM job WHERE id = {last}\"\n\
    store.executemany(add, [(number,) for number in range(1, 3001)])\n\
    store.commit()\n";

#[test]
fn a_pager_that_is_not_there_or_left_early_loses_nothing_and_is_no_failure() {
    let mut env = pipeline();
    env.set("TERM", "dumb");
    let mut python = Command::new("python3");
    let copied =
        python.args(["-c", COPY_JOBS]).current_dir(env.project()).output().expect("python3 is installed");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let all = env.line("log").stdout;
    assert_eq!(all.lines().filter(|line| line.starts_with('@')).count(), 3003);
    env.set("PAGER", "/nowhere/pager");
    let shown = in_terminal(&env, &["log"]).stdout;
    assert_eq!(shown.lines().filter(|line| line.starts_with('@')).count(), 3003);
    env.set("PAGER", "head -n 2");
    let shown = in_terminal(&env, &["log"]).stdout;
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn a_file_that_was_there_before_does_not_come_from_a_step_with_the_same_result() {
    let env = env();
    env.write("zero.cfg", "0\n");
    // What was changed within a tick of the kernel may be from either side of it.
    let changed_ms = |name: &str| {
        let found = std::fs::metadata(env.project().join(name)).expect("it is there");
        found.ctime() * 1_000 + found.ctime_nsec() / 1_000_000
    };
    while {
        env.write("later", "");
        changed_ms("later") < changed_ms("zero.cfg") + 50
    } {}
    env.roar(["run", "-q", "sh", "-c", "echo 0 > status"]);
    std::fs::copy(env.project().join("status"), env.project().join("copy")).expect("it is copied");
    env.roar(["run", "-q", "sh", "-c", "cat zero.cfg > zero; cat copy >> one; echo >> one"]);
    assert_snapshot!(env.line("lineage zero"), @"
    status: 0
    ----- stdout
    zero  148f02f92554  made by @2
    @1  sh -c 'echo 0 > status'
        out  status  148f02f92554
    @2  sh -c 'cat zero.cfg > zero; cat copy >> one; echo >> one'
        in  copy  148f02f92554  ← @1
        in  zero.cfg  148f02f92554
        out  zero  148f02f92554
    ");
}

#[test]
fn what_a_step_took_while_another_was_at_work_comes_from_that() {
    let env = env();
    let made = Command::new("mkfifo").args(["ready", "go"]).current_dir(env.project()).status();
    assert!(made.is_ok_and(|status| status.success()));
    let mut long = env.command();
    long.args(["run", "-q", "sh", "-c", "echo made > log; echo > ready; cat go"]);
    let mut long = long.spawn().expect("the program starts");
    std::fs::read(env.project().join("ready")).expect("it says when");
    env.line("run -q cp log taken");
    std::fs::write(env.project().join("go"), "").expect("it waits");
    assert!(long.wait().expect("it ends").success());
    for question in ["lineage taken", "dag"] {
        let answer = env.line(question);
        let line = answer.stdout.lines().find(|line| line.contains("in ") && line.contains("log"));
        assert!(line.is_some_and(|line| line.ends_with("← @2")), "{answer}");
    }
}

#[test]
fn a_file_of_a_project_that_was_moved_is_known_by_its_content() {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.line("run -q sort -o sorted.csv in.csv");
    let moved = env.home().join("moved");
    std::fs::rename(env.project(), &moved).expect("it is moved");
    let output = env.command().args(["lineage", "--json", "sorted.csv"]).current_dir(&moved).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lineage: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(lineage["steps"][0]["command"], serde_json::json!(["sort", "-o", "sorted.csv", "in.csv"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("its content is known from elsewhere"));
}
