//! Commands that need no tracer.

use cli_tests::TestEnv;
use insta::assert_snapshot;

#[test]
fn the_version_is_one_line() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("--version"), @"
    status: 0
    ----- stdout
    roar 0.1.0
    ");
}

#[test]
fn help_lists_the_commands() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("--help"), @"
    status: 0
    ----- stdout
    Record what commands do to files, and where files come from

    Usage: roar <COMMAND>

    Commands:
      init  Make `.roar/` here: the database and a configuration file
      run  Run a command and record what it reads and writes
      build  Run a command that sets things up, and record it
      status  Show the session, its last job, stale steps and the backend
      log  List the jobs, newest first
      show  Show a session, a job, an artifact or a path in full
      dag  Show which step made what the others used
      export  Print where something comes from in the format of a standard or of another tool
      label  List, set and remove labels of a job
      env  Show the environment that a job was given, and choose whose values are recorded
      filter  Show and choose which files are left out of inputs and outputs
      pop  Forget the record of the last job
      reset  End the session: the next job begins another
      gc  Drop records that nothing needs, and make the database smaller
      lineage  Show everything that an artifact or a job comes from
      inputs  List the files that something comes from and that no recorded step made
      why  Show the evidence that one file comes from another: process, call and time
      diff  Compare what two artifacts or jobs come from
      verify  Compare the files on disk with what was recorded
      stale  List the steps that must run again, and why
      rerun  Run the steps again that are stale
      reproduce  Show how an artifact can be made anew from its commit, or do it
      tracer  Show, choose, check and set up what observes commands
      config  Read and change the configuration
      ray  Fetch what a Ray cluster has of a job
      completions  Print what a shell needs to complete command lines of roar
      man  Print the manual page of roar or of one of its commands

    Options:
      -h, --help  Print help
      -V, --version  Print version
    ");
}

#[test]
fn help_of_run_lists_its_options() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("run -h"), @"
    status: 0
    ----- stdout
    Run a command and record what it reads and writes

    Usage: roar run [OPTIONS] <CMD>...

    Arguments:
      <CMD>...  The command and its arguments

    Options:
          --tracer <MODE>  Observe with this backend [config: tracer.mode] [possible values: auto, ebpf, preload, ptrace]
          --no-tracer-fallback  Do not try another backend if that one cannot start [config: tracer.fallback_enabled]
          --report <FILE>  Write the run report to FILE, as JSON
          --no-hash  Do not hash contents
          --require-complete  End with 124 if something could not be observed
      -q, --quiet  Say nothing but errors
      -v, --verbose...  Say more; twice: also write the tracer's log to `.roar/tracer.log`
          --label <K=V>  Label the job; may be repeated
      -h, --help  Print help (see more with '--help')
    ");
}

#[test]
fn an_unknown_option_of_run_ends_with_125_and_runs_nothing() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("run --bogus touch made"), @"
    status: 125
    ----- stderr
    error: unexpected argument '--bogus' found

      tip: to pass '--bogus' as a value, use '-- --bogus'

    Usage: roar run [OPTIONS] <CMD>...

    For more information, try '--help'.
    ");
    assert!(std::fs::read_dir(env.project()).unwrap().next().is_none());
}

#[test]
fn the_report_cannot_go_to_standard_output() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("run --report - true"), @"
    status: 125
    ----- stderr
    error: invalid value '-' for '--report <FILE>': standard output belongs to the command; name a file

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_command_ends_with_2() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("stauts"), @"
    status: 2
    ----- stderr
    error: unrecognized subcommand 'stauts'

      tip: some similar subcommands exist: 'stale', 'status'

    Usage: roar <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn init_makes_a_place_and_a_second_time_changes_nothing() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("init"), @"
    status: 0
    ----- stderr
    Made [DIR]/project/.roar
    ");
    let config = env.read(".roar/config.toml");
    assert_snapshot!(env.line("init"), @"
    status: 0
    ----- stderr
    Found [DIR]/project/.roar
    ");
    assert_eq!(env.read(".roar/config.toml"), config);
}

#[test]
fn init_has_git_ignore_it_once() {
    let env = TestEnv::new();
    std::fs::create_dir(env.project().join(".git")).unwrap();
    env.write(".gitignore", "*.o");
    assert_snapshot!(env.line("init"), @"
    status: 0
    ----- stderr
    Made [DIR]/project/.roar
    hint: have git ignore `.roar/` with `roar init -y`
    ");
    assert_eq!(env.read(".gitignore"), "*.o");
    assert_snapshot!(env.line("init -y"), @"
    status: 0
    ----- stderr
    Found [DIR]/project/.roar
    Added .roar/ to [DIR]/project/.gitignore
    ");
    assert_snapshot!(env.line("init -y"), @"
    status: 0
    ----- stderr
    Found [DIR]/project/.roar
    ");
    assert_eq!(env.read(".gitignore"), "*.o\n.roar/\n");
}

#[test]
fn init_n_leaves_gitignore_alone() {
    let env = TestEnv::new();
    std::fs::create_dir(env.project().join(".git")).unwrap();
    assert_snapshot!(env.line("init -n"), @"
    status: 0
    ----- stderr
    Made [DIR]/project/.roar
    ");
    assert!(!env.project().join(".gitignore").try_exists().unwrap());
}

#[test]
fn reading_commands_say_that_there_are_no_records() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("log"), @"
    status: 3
    ----- stderr
    error: no `.roar` here or in a directory above

    hint: make one with `roar init`, or record something with `roar run CMD`
    ");
    for line in ["status", "show", "show @1", "dag", "log --json"] {
        assert_eq!(env.line(line), env.line("log"), "{line}");
    }
}

#[test]
fn an_empty_place_has_no_jobs() {
    let env = TestEnv::new();
    env.line("init");
    assert_snapshot!(env.line("log"), @"
    status: 0
    ----- stderr
    no jobs yet
    ");
    assert_snapshot!(env.line("status"), @"
    status: 0
    ----- stdout
    session  no jobs yet
    tracer  auto
    stale  nothing
    ");
    assert_snapshot!(env.line("dag"), @"
    status: 0
    ----- stderr
    no jobs yet
    ");
    assert_snapshot!(env.line("show"), @"
    status: 1
    ----- stderr
    error: nothing is recorded yet

    hint: record something with `roar run CMD`
    ");
    assert_snapshot!(env.line("show @1"), @"
    status: 1
    ----- stderr
    error: @1 is no step, job, hash or path that is recorded

    hint: `roar log` lists the jobs
    ");
    assert_snapshot!(env.line("log --json"), @r#"
    status: 0
    ----- stdout
    {
      "format": "roar.log/1",
      "jobs": []
    }
    "#);
    assert_snapshot!(env.line("dag --json"), @r#"
    status: 0
    ----- stdout
    {
      "format": "roar.dag/1",
      "session": null,
      "jobs": [],
      "artifacts": [],
      "stale": []
    }
    "#);
}

#[test]
fn a_damaged_database_is_named_with_what_to_do() {
    let env = TestEnv::new();
    env.line("init");
    env.write(
        ".roar/roar.db",
        "this is no database, but long enough to look like a header of one, which it is not",
    );
    assert_snapshot!(env.line("log"), @"
    status: 3
    ----- stderr
    error: [DIR]/project/.roar/roar.db is not a database
      caused by: file is not a database
      caused by: Error code 26: file is not a database

    hint: move it away and run `roar init`, or put back a copy of it
    ");
}

#[test]
fn a_database_of_a_newer_roar_is_refused() {
    let env = TestEnv::new();
    env.line("init");
    let conn = rusqlite::Connection::open(env.project().join(".roar/roar.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    assert_snapshot!(env.line("status"), @"
    status: 3
    ----- stderr
    error: the database [DIR]/project/.roar/roar.db has version 99, and this roar knows versions up to 7

    hint: use the newer roar that wrote it
    ");
}

#[test]
fn the_configuration_is_listed_with_where_it_comes_from() {
    let mut env = TestEnv::new();
    env.line("init");
    assert_snapshot!(env.line("config set tracer.mode ptrace"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    assert_snapshot!(env.line("config set tracer.mode ptrace"), @"
    status: 0
    ----- stderr
    [DIR]/project/.roar/config.toml says so already
    ");
    assert_snapshot!(env.line("config set --global run.linger_ms 50"), @"
    status: 0
    ----- stderr
    changed [DIR]/home/.roar/config.toml
    ");
    env.set("ROAR_HASH_ALGORITHMS", "blake3,md5");
    assert_snapshot!(env.line("config list"), @r#"
    status: 0
    ----- stdout
    key  value  from
    tracer.mode  "ptrace"  [DIR]/project/.roar/config.toml:4
    tracer.fallback_enabled  true  default
    tracer.preflight_timeout_ms  2000  default
    run.linger_ms  50  [DIR]/home/.roar/config.toml:2
    hash.algorithms  ["blake3", "md5"]  ROAR_HASH_ALGORITHMS
    filter.system  true  default
    filter.packages  true  default
    filter.cache  true  default
    filter.temp  true  default
    git.record_patch  true  default
    env.record_values  []  default
    ray.store  "auto"  default
    ray.s3_endpoint  ""  default
    "#);
    assert_snapshot!(env.line("config get run.linger_ms"), @"
    status: 0
    ----- stdout
    50
    ");
    assert_snapshot!(env.line("config unset tracer.mode"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    assert_snapshot!(env.line("config get tracer.mode"), @"
    status: 0
    ----- stdout
    auto
    ");
}

#[test]
fn what_is_wrong_with_the_configuration_is_named() {
    let env = TestEnv::new();
    assert_snapshot!(env.line("config set tracer.mode ptrace"), @"
    status: 3
    ----- stderr
    error: no `.roar` here or in a directory above

    hint: make one with `roar init`, or write to your own file with `--global`
    ");
    env.line("init");
    assert_snapshot!(env.line("config set tracer.mod ptrace"), @"
    status: 2
    ----- stderr
    error: `tracer.mod`: unknown key `tracer.mod`, nearest is `tracer.mode`

    hint: `roar config list` shows every key
    ");
    assert_snapshot!(env.line("config set run.linger_ms soon"), @"
    status: 2
    ----- stderr
    error: `run.linger_ms`: `run.linger_ms` cannot be `soon`, expected a whole number from 0 to 3600000
    ");
    assert_snapshot!(env.line("config get nonsense"), @"
    status: 2
    ----- stderr
    error: `nonsense`: unknown key `nonsense`

    hint: `roar config list` shows every key
    ");
    env.write(".roar/config.toml", "[tracer]\nmode = \"strace\"\n");
    assert_snapshot!(env.line("status"), @r#"
    status: 2
    ----- stderr
    error: [DIR]/project/.roar/config.toml:2: `tracer.mode` cannot be "strace", expected one of `auto`, `ebpf`, `preload`, `ptrace`
    "#);
    assert_snapshot!(env.line("run true"), @r#"
    status: 125
    ----- stderr
    error: [DIR]/project/.roar/config.toml:2: `tracer.mode` cannot be "strace", expected one of `auto`, `ebpf`, `preload`, `ptrace`
    "#);
}

#[test]
fn a_variable_that_is_nearly_one_of_ours_is_a_warning() {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODEE", "ptrace");
    assert_snapshot!(env.line("config get tracer.mode"), @"
    status: 0
    ----- stdout
    auto
    ----- stderr
    warning: environment variable ROAR_TRACER_MODEE is not known, nearest is ROAR_TRACER_MODE
    ");
}

#[test]
fn no_tracer_is_an_error_before_the_command_runs() {
    let mut env = TestEnv::new();
    let nowhere = env.home().join("nowhere");
    env.set("ROAR_TRACERS", nowhere.to_str().unwrap());
    assert_snapshot!(env.line("run touch made"), @"
    status: 125
    ----- stderr
    error: no tracer can be used here

    hint: ebpf: not installed: there is no roar-tracer-ebpf in [DIR]/home/nowhere; install it beside `roar`
    hint: preload: not installed: there is no roar-tracer-preload in [DIR]/home/nowhere; install it beside `roar`
    hint: ptrace: not installed: there is no roar-tracer-ptrace in [DIR]/home/nowhere; install it beside `roar`
    hint: the command was not run; run it without `roar run` to do without a record
    ");
    assert!(!env.project().join("made").try_exists().unwrap());
}

#[test]
fn many_programs_that_write_the_configuration_at_once_lose_nothing() {
    let env = TestEnv::new();
    env.line("init");
    let values = [
        ("tracer.mode", "ptrace"),
        ("tracer.fallback_enabled", "false"),
        ("tracer.preflight_timeout_ms", "77"),
        ("run.linger_ms", "78"),
        ("filter.system", "false"),
        ("filter.packages", "false"),
        ("filter.cache", "false"),
        ("filter.temp", "false"),
    ];
    // Each value is written by four programs, all of them at once.
    let writers: Vec<_> = (0..4)
        .flat_map(|_| values)
        .map(|(key, value)| {
            env.command()
                .args(["config", "set", key, value])
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    for (key, value) in values {
        assert_eq!(env.roar(["config", "get", key]).stdout, format!("{value}\n"), "{key}");
    }
    assert!(env.read(".roar/config.toml").contains("# Configuration of roar."), "comments are kept");
}
