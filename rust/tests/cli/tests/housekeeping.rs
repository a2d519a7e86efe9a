//! Commands that keep house. The jobs run under ptrace, which needs nothing.

use cli_tests::TestEnv;
use insta::assert_snapshot;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env
}

#[test]
fn completions_are_for_the_shell_that_is_named() {
    let env = env();
    for (shell, mark) in [
        ("bash", "complete -F _roar"),
        ("zsh", "#compdef roar"),
        ("fish", "complete -c roar"),
        ("elvish", "edit:completion:arg-completer[roar]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let answer = env.line(&format!("completions {shell}"));
        assert!(answer.stdout.contains(mark), "{shell}: {answer}");
    }
    assert_snapshot!(env.line("completions tcsh"), @"
    status: 2
    ----- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
}

#[test]
fn a_manual_page_is_of_roar_or_of_a_command() {
    let env = env();
    assert!(env.line("man").stdout.contains(".TH ROAR 1"));
    assert!(env.line("man tracer enable").stdout.contains(".TH ROAR-TRACER-ENABLE 1"));
    assert_snapshot!(env.line("man nothing"), @"
    status: 1
    ----- stderr
    error: roar has no command nothing

    hint: `roar --help` lists the commands
    ");
    env.write("pages/.keep", "");
    assert_snapshot!(env.line("man --dir pages"), @"
    status: 0
    ");
    assert!(env.read("pages/roar-config-set.1").contains(".TH ROAR-CONFIG-SET 1"));
    assert_snapshot!(env.line("man --dir nowhere"), @"
    status: 3
    ----- stderr
    error: cannot write nowhere/roar.1
      caused by: No such file or directory (os error 2)

    hint: name a directory that is there, and that you may write to
    ");
}

/// Two steps, the second of which uses what the first made.
fn pipeline() -> TestEnv {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.roar(["run", "-q", "sort", "-o", "sorted.csv", "in.csv"]);
    env.roar(["run", "-q", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env
}

#[test]
fn labels_are_of_the_last_job_unless_another_is_named() {
    let env = pipeline();
    assert_snapshot!(env.line("label"), @"
    status: 0
    ----- stderr
    @2 has no labels
    ");
    assert_snapshot!(env.roar(["label", "stage=train", "note=two words"]), @"
    status: 0
    ");
    assert_snapshot!(env.line("label @1 stage=clean"), @"
    status: 0
    ");
    assert_snapshot!(env.line("label"), @"
    status: 0
    ----- stdout
    note  'two words'
    stage  train
    ");
    assert_snapshot!(env.line("label @1 --remove stage --json"), @r#"
    status: 0
    ----- stdout
    {
      "format": "roar.labels/1",
      "job": "[JOB-ID]",
      "labels": {}
    }
    "#);
    assert_snapshot!(env.line("label @1 nonsense"), @"
    status: 2
    ----- stderr
    error: nonsense is no label: expected KEY=VALUE

    hint: labels are written as `roar label @3 stage=train`
    ");
    assert_snapshot!(env.line("label sorted.csv a=b"), @"
    status: 1
    ----- stderr
    error: sorted.csv is no job

    hint: `roar show sorted.csv` lists the jobs that used it
    ");
}

#[test]
fn the_environment_is_shown_and_values_are_recorded_where_that_was_asked_for() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.set("SEED", "1 2");
    env.set("API_TOKEN", "hunter2");
    env.line("init -n");
    assert_snapshot!(env.line("env --record SEED --record API_TOKEN --record LC_ALL"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    assert_snapshot!(env.line("env --forget LC_ALL"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    env.line("run -q true");
    assert_snapshot!(env.line("env"), @"
    status: 0
    ----- stdout
    variable  value
    API_TOKEN  (may be a secret)
    COLUMNS  (not recorded)
    HOME  (not recorded)
    LC_ALL  (not recorded)
    PATH  (not recorded)
    ROAR_TRACER_MODE  (not recorded)
    SEED  '1 2'
    TMPDIR  (not recorded)
    TZ  (not recorded)
    ");
    assert!(env.line("env @1 --json").stdout.contains("\"roar.env/1\""));
}

#[test]
fn filters_are_listed_and_set() {
    let env = env();
    env.line("init -n");
    assert_snapshot!(env.line("filter --off temp --off cache --on system"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    assert_snapshot!(env.line("filter"), @"
    status: 0
    ----- stdout
    system  on  Whether files of the operating system are left out of inputs and outputs.
    packages  on  Whether files of installed packages are left out of inputs and outputs.
    cache  off  Whether caches and bookkeeping files are left out of inputs and outputs.
    temp  off  Whether temporary files are left out of inputs and outputs.
    ");
    assert_snapshot!(env.line("filter --off nothing"), @"
    status: 2
    ----- stderr
    error: invalid value 'nothing' for '--off <NAME>'
      [possible values: system, packages, cache, temp]

    For more information, try '--help'.
    ");
}

#[test]
fn pop_forgets_the_last_job_and_touches_no_file() {
    let env = pipeline();
    assert_snapshot!(env.line("pop"), @"
    status: 0
    ----- stderr
    forgot @2: sh -c 'head -1 sorted.csv > first.txt'
    ");
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @1  [JOB]  [TIME]  [TOOK]  0  1  1  sort -o sorted.csv in.csv
    ");
    assert_eq!(env.read("first.txt"), "a\n");
    assert_snapshot!(env.line("show first.txt"), @"
    status: 1
    ----- stderr
    error: first.txt is no step, job, hash or path that is recorded

    hint: `roar log` lists the jobs
    ");
    env.line("pop");
    assert_snapshot!(env.line("pop"), @"
    status: 1
    ----- stderr
    error: there is no job yet

    hint: record one with `roar run CMD`
    ");
}

#[test]
fn reset_begins_another_session_and_loses_nothing() {
    let env = pipeline();
    assert_snapshot!(env.line("reset"), @"
    status: 1
    ----- stderr
    error: nobody is there to be asked

    hint: say yes beforehand with `roar reset -y`
    ");
    assert_snapshot!(env.line("reset -y"), @"
    status: 0
    ----- stderr
    ended the session of 2 jobs; the next one begins with @1
    ");
    assert_snapshot!(env.line("reset -y"), @"
    status: 0
    ----- stderr
    no session is open
    ");
    env.line("run -q true");
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @1  [JOB]  [TIME]  [TOOK]  0  0  0  true
          [JOB]  [TIME]  [TOOK]  0  1  1  sh -c 'head -1 sorted.csv > first.txt'
          [JOB]  [TIME]  [TOOK]  0  1  1  sort -o sorted.csv in.csv
    ");
}

#[test]
fn gc_drops_what_no_kept_session_needs() {
    let env = pipeline();
    env.line("reset -y");
    env.roar(["run", "-q", "cp", "sorted.csv", "copy.csv"]);
    let said = |line: &str| {
        let answer = env.line(line);
        assert_eq!(answer.status, "0");
        answer.stderr.lines().filter(|line| !line.starts_with("database: ")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said("gc"), "dropped nothing");
    assert_eq!(said("gc --older-than 1d"), "dropped nothing");
    // Paths beside its two files are those of the machine that `head` looked at.
    let dry = said("gc --older-than 0d --dry-run");
    assert!(dry.starts_with("would drop 1 job, 1 artifact, "), "{dry}");
    assert!(dry.ends_with("\nkept 1 older job, for later ones use what they made"), "{dry}");
    assert_eq!(said("gc --older-than 0d"), dry.replace("would drop", "dropped"));
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stdout
    step  job  started  took  exit  in  out  command
    @1  [JOB]  [TIME]  [TOOK]  0  1  1  cp sorted.csv copy.csv
          [JOB]  [TIME]  [TOOK]  0  1  1  sort -o sorted.csv in.csv
    ");
    assert_snapshot!(env.line("show sorted.csv"), @"
    status: 0
    ----- stdout
    step  hash  size  started  command
    @1  read  41153ec5e22e  4 B  [TIME]  cp sorted.csv copy.csv
    [JOB]  made  41153ec5e22e  4 B  [TIME]  sort -o sorted.csv in.csv
    ");
    assert_snapshot!(env.line("gc --older-than never"), @r#"
    status: 2
    ----- stderr
    error: invalid value 'never' for '--older-than <TIME>': failed to parse input in the "friendly" duration format: expected duration to start with a unit value (a decimal integer) after an optional sign, but no integer was found; a time is written as `90d`, `2 weeks` or `36h`

    For more information, try '--help'.
    "#);
}
