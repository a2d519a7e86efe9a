//! `roar export`. The jobs run under ptrace, which needs nothing. What the formats' own libraries say of it is the matter of
//! `cargo xtask exports`.

use cli_tests::{Answer, TestEnv};
use insta::assert_snapshot;

/// What sha256sum(1) says of `a\nb\n`.
const SORTED_SHA256: &str = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2";

/// A chain of three steps, the last of which updates what the second made.
fn project() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in.csv", "b\na\n");
    env.roar(["run", "-q", "sort", "-o", "sorted file.csv", "in.csv"]);
    env.roar(
        ["run", "-q", "sh", "-c", "head -1 sorted* > $OUT\n"].map(|word| word.replace("$OUT", "first=1.txt")),
    );
    env.roar(["run", "-q", "sh", "-c", "echo more >> first=1.txt"]);
    env
}

/// Leaves out the line that has the time in it.
fn without_time(answer: &Answer) -> String {
    let text = answer.to_string();
    let lines = text.lines().filter(|line| !line.starts_with("# Written by roar "));
    lines.map(|line| format!("{line}\n")).collect()
}

fn json(env: &TestEnv, line: &str) -> serde_json::Value {
    let output = env.command().args(line.split(' ')).output().expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("the document is JSON")
}

#[test]
fn a_makefile_has_a_rule_for_each_step() {
    assert_snapshot!(without_time(&project().line("export first=1.txt --format make")), @r"
    status: 0
    ----- stdout
    SHELL := /bin/bash
    eq := =
    .DELETE_ON_ERROR:

    .PHONY: all
    all: first$(eq)1.txt

    sorted\ file.csv: in.csv
    	sort -o 'sorted file.csv' in.csv

    first$(eq)1.txt: sorted\ file.csv
    	sh -c $$'head -1 sorted* > first=1.txt\n'
    	sh -c 'echo more >> first=1.txt'
    ");
}

#[test]
fn dvc_yaml_has_a_stage_for_each_step() {
    assert_snapshot!(without_time(&project().line("export first=1.txt --format dvc")), @r#"
    status: 0
    ----- stdout
    stages:
      step-1:
        cmd:
          - "sort -o 'sorted file.csv' in.csv"
        deps:
          - "in.csv"
        outs:
          - "sorted file.csv"
      steps-2-3:
        cmd:
          - "bash -c 'sh -c $'\\''head -1 sorted* > first=1.txt\\n'\\'''"
          - "sh -c 'echo more >> first=1.txt'"
        deps:
          - "sorted file.csv"
        outs:
          - "first=1.txt"
    "#);
}

#[test]
fn lineage_ends_at_the_target() {
    let env = project();
    let whole = json(&env, "export @last --format prov");
    let part = json(&env, "export @1 --format prov");
    let count = |document: &serde_json::Value, section: &str| document[section].as_object().unwrap().len();
    assert_eq!((count(&whole, "activity"), count(&whole, "entity"), count(&whole, "used")), (3, 4, 3));
    assert_eq!((count(&part, "activity"), count(&part, "entity"), count(&part, "used")), (1, 2, 1));
}

#[test]
fn a_hash_that_was_not_recorded_is_taken_from_the_file_if_that_is_the_same() {
    let env = project();
    let statement = json(&env, "export @1 --format in-toto");
    let digest = statement["subject"][0]["digest"].as_object().unwrap();
    assert_eq!(digest["sha256"], SORTED_SHA256);
    env.write("sorted file.csv", "changed");
    assert_snapshot!(env.line("export @1 --format in-toto -o statement.json"), @"
    status: 0
    ----- stderr
    warning: '[DIR]/project/sorted file.csv' has changed since, and its SHA-256 was not recorded: it is named by BLAKE3 alone
    hint: record it from now on with `roar config set hash.algorithms blake3,sha256`
    ");
    assert!(!env.read("statement.json").contains(SORTED_SHA256));
}

#[test]
fn what_cannot_be_exported_is_said() {
    let env = project();
    assert_snapshot!(env.line("export @1 --format pdf"), @"
    status: 2
    ----- stderr
    error: invalid value 'pdf' for '--format <FORMAT>'
      [possible values: prov, ro-crate, openlineage, in-toto, cyclonedx, dvc, make]

    For more information, try '--help'.
    ");
    assert_snapshot!(env.line("export @1 --format prov --url http://localhost"), @"
    status: 2
    ----- stderr
    error: only OpenLineage events are sent to a server

    hint: write to a file with `-o FILE`
    ");
    assert_snapshot!(env.line("export nothing --format prov"), @"
    status: 1
    ----- stderr
    error: nothing is no step, job, hash or path that is recorded

    hint: `roar log` lists the jobs
    ");
    assert_snapshot!(env.line("export @1 --format prov -o nowhere/prov.json"), @"
    status: 3
    ----- stderr
    error: cannot write nowhere/prov.json
      caused by: No such file or directory (os error 2)

    hint: name a file in a directory that is there, and that you may write to
    ");
    env.roar(["run", "-q", "--no-hash", "sh", "-c", ": > unhashed"]);
    assert_snapshot!(env.line("export unhashed --format in-toto"), @"
    status: 1
    ----- stderr
    error: [DIR]/project/unhashed was not hashed, and a statement is about a hash

    hint: record the step again without `--no-hash`, or choose another format
    ");
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let answer = project().line("export @1 --format openlineage --url http://127.0.0.1:1");
    assert_snapshot!(answer, @"
    status: 3
    ----- stderr
    error: cannot send events to http://127.0.0.1:1/api/v1/lineage: io: Connection refused (os error 111)

    hint: 0 of [N] events have been sent
    hint: check the address, and that the server runs
    ");
}

#[test]
fn files_of_one_content_are_named_once_where_names_must_differ() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("a", "same\n");
    env.write("b", "same\n");
    env.roar(["run", "sh", "-c", "cat a b > c; cp c d"]);
    let subjects = |target: &str| {
        let statement = json(&env, &format!("export {target} --format in-toto"));
        let names =
            statement["subject"].as_array().unwrap().iter().map(|subject| subject["name"].to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!([subjects("d"), subjects("@1")], ["\"d\"", "\"c\" \"d\""]);
    let document = json(&env, "export c --format cyclonedx");
    let task = &document["formulation"][0]["workflows"][0]["tasks"][0];
    for list in ["inputs", "outputs"] {
        assert_eq!(task[list].as_array().map(Vec::len), Some(1), "{task}");
    }
}

#[test]
fn a_makefile_sets_things_up_first_and_makes_the_directories_that_were_there() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in", "1\n");
    env.roar(["build", "-q", "sh", "-c", "mkdir -p conf; echo x > conf/flag"]);
    std::fs::create_dir(env.project().join("kept")).expect("it is made");
    env.roar(["run", "-q", "sh", "-c", "mkdir out; cat in > out/q; cp in kept/r"]);
    env.roar(["run", "-q", "sh", "-c", "echo $(cat in)1 > in"]);
    env.roar(["run", "-q", "sh", "-c", "cat out/q in > end"]);
    assert_snapshot!(without_time(&env.line("export end --format make")), @r"
    status: 0
    ----- stdout
    SHELL := /bin/bash
    eq := =
    .DELETE_ON_ERROR:

    .PHONY: all
    all: end

    conf/flag:
    	sh -c 'mkdir -p conf; echo x > conf/flag'

    kept/r out/q steps-2-3.done &: | conf/flag
    	mkdir -p kept
    	sh -c 'mkdir out; cat in > out/q; cp in kept/r'
    	sh -c 'echo $$(cat in)1 > in'
    	touch steps-2-3.done

    end: out/q steps-2-3.done | conf/flag
    	sh -c 'cat out/q in > end'
    ----- stderr
    warning: steps-2-3 updates in in place: done again, it goes on from what it has made
    ");
}
