//! The example project, from the first run to files made anew. It takes scikit-learn, which `.ci/run` installs below the target
//! directory: without it nothing is tried, unless `ROAR_REQUIRE` names `sklearn`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli_tests::{Answer, TestEnv};

const FILES: &[&str] = &["generate.py", "clean.py", "train.py", "evaluate.py", "plot.py"];

const STEPS: &[(&str, Option<&str>)] = &[
    ("python3 generate.py raw.csv", None),
    ("python3 clean.py raw.csv clean.csv", None),
    ("python3 train.py clean.csv model.pickle test.csv", None),
    ("python3 evaluate.py model.pickle test.csv", Some("score.json")),
    ("python3 plot.py test.csv plot.svg", None),
];

/// Returns where the programs of an environment with scikit-learn are.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let programs = target.join("example/bin");
    if programs.join("python3").is_file() {
        return Some(programs);
    }
    let is_required =
        std::env::var("ROAR_REQUIRE").is_ok_and(|words| words.split(',').any(|word| word == "sklearn"));
    assert!(!is_required, "there is no {}: see .ci/run", programs.display());
    None
}

fn git(env: &TestEnv, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]);
    let done =
        git.args(arguments).current_dir(env.project()).env("HOME", env.home()).output().expect("git starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn run(env: &TestEnv, command: &str, output: Option<&str>) {
    let mut roar = env.command();
    roar.args(["run", "--"]).args(command.split(' '));
    if let Some(output) = output {
        roar.stdout(fs::File::create(env.project().join(output)).expect("a file of the project"));
    }
    let answer = env.answer(&roar.output().expect("the program starts"));
    assert_eq!(answer.status, "0", "{command}: {answer}");
}

fn expect(answer: Answer, status: &str, words: &[&str]) {
    assert_eq!(answer.status, status, "{answer}");
    for word in words {
        assert!(answer.stdout.contains(word) || answer.stderr.contains(word), "no {word}: {answer}");
    }
}

#[test]
fn a_model_is_recorded_asked_about_brought_up_to_date_and_made_anew() {
    let Some(programs) = python() else { return };
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.set("PATH", &format!("{}:/usr/bin:/bin", programs.display()));
    env.set("OPENBLAS_NUM_THREADS", "1");
    // What this machine's pip needs to find packages.
    let of_pip =
        |name: &str| name.starts_with("PIP_") || name.ends_with("_proxy") || name.starts_with("SSL_CERT_");
    for (name, value) in std::env::vars().filter(|(name, _)| of_pip(name)) {
        env.set(&name, &value);
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/model");
    for file in FILES {
        env.write(file, &fs::read_to_string(example.join(file)).unwrap());
    }
    env.write(".gitignore", ".roar/\n");
    git(&env, &["init", "-q"]);
    git(&env, &["add", "."]);
    git(&env, &["commit", "-qm", "example"]);
    for (command, output) in STEPS {
        run(&env, command, *output);
    }

    expect(env.line("dag"), "0", &["model.pickle  ← @3", "clean.csv  ← @2", "raw.csv  ← @1"]);
    expect(env.line("lineage score.json"), "0", &["made by @4", "@1  ", "@2  ", "@3  "]);
    expect(env.line("inputs --unsourced score.json"), "0", &["every input comes from a commit"]);
    expect(env.line("why score.json raw.csv"), "0", &["read() by process"]);
    expect(env.line("stale"), "0", &["nothing is stale"]);
    expect(env.line("verify"), "0", &[]);
    expect(env.line("reproduce score.json"), "0", &["at commit", "scikit"]);

    // In a clean checkout, with an environment of its own that has the packages of that time.
    let answer = env.line("reproduce score.json --run -y --dir ../anew");
    expect(answer.clone(), "0", &["reproduced: every file is the same"]);
    assert_eq!(answer.stdout.matches("same  @").count(), 5, "{answer}");
    let anew = env.project().join("../anew");
    for file in ["raw.csv", "clean.csv", "model.pickle", "test.csv", "score.json"] {
        assert!(fs::read(anew.join(file)).unwrap() == fs::read(env.project().join(file)).unwrap(), "{file}");
    }
    let report = env.command().args(["show", "@3", "--json"]).current_dir(&anew).output().unwrap();
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("/anew/.roar/venv/lib/"), "the packages are not those of the new environment");

    // More rows are left out: all but the first step must run again.
    env.write("clean.py", &env.read("clean.py").replace("if all(row)", "if all(row) and row[0] != '4.0'"));
    let stale = env.line("stale");
    expect(stale.clone(), "1", &["@2  ", "code clean.py has changed", "@3  ", "@4  ", "@5  "]);
    assert!(!stale.stdout.contains("@1  "), "{stale}");
    // What is left is the same as before, so that the model need not be trained again.
    expect(env.line("rerun"), "0", &["its inputs came out the same"]);
    expect(env.line("stale"), "0", &["nothing is stale"]);
    expect(env.line("diff @2 @6"), "0", &["clean.py"]);

    env.write(
        "train.py",
        &env.read("train.py").replace("LogisticRegression(", "LogisticRegression(C=0.01, "),
    );
    expect(env.line("rerun"), "0", &["train.py", "evaluate.py"]);
    expect(env.line("stale"), "0", &["nothing is stale"]);
    expect(env.line("diff @3 @7"), "0", &["train.py", "model.pickle"]);
    // Now with changes that are not committed.
    expect(env.line("reproduce score.json --run"), "0", &["reproduced: every file is the same"]);
    for format in ["prov", "ro-crate", "openlineage", "in-toto", "cyclonedx", "dvc", "make"] {
        let mut export = env.command();
        let exported = export.args(["export", "score.json", "--format", format]).output().unwrap();
        expect(env.answer(&exported), "0", &["score.json"]);
    }
    expect(env.line("verify"), "0", &[]);
    env.write("score.json", "{}");
    expect(env.line("verify"), "1", &["score.json"]);
}
