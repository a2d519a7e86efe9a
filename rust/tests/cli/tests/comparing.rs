//! Why one thing comes from another, and what differs between two. The commands run under ptrace, which needs nothing.

use std::fs;

use cli_tests::{Answer, TestEnv};
use insta::assert_snapshot;

/// Two steps: sorting by a script, and the first line of that.
fn pipeline() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env.write("in.csv", "b\na\n");
    env.write("sort.sh", "sort \"$1\" > \"$2\"\n");
    env.line("run sh sort.sh in.csv sorted.csv");
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    env
}

/// Leaves out numbers of processes, and the time after the last comma.
fn without_processes(answer: &Answer) -> String {
    let line = |line: &str| match line.split_once("process ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            let after = after.rsplit_once(", ").map_or(after, |(after, _)| after);
            format!("{before}process [PID]{after}")
        }
        None => line.to_owned(),
    };
    answer.to_string().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn why_names_process_call_and_time_of_each_step() {
    let env = pipeline();
    assert_snapshot!(without_processes(&env.line("why first.txt in.csv")), @"
    status: 0
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        took  in.csv  6320d89fad37, 4 B
              read() by process [PID] `sort in.csv`, [TOOK] after the start
        made  sorted.csv  41153ec5e22e, 4 B
              open() by process [PID] `sh sort.sh in.csv sorted.csv`, [TOOK] after the start
    @2  sh -c 'head -1 sorted.csv > first.txt'
        took  sorted.csv  41153ec5e22e, 4 B
              read() by process [PID] `head -1 sorted.csv`, [TOOK] after the start
        made  first.txt  81c4b7f7e054, 2 B
              open() by process [PID] `sh -c 'head -1 sorted.csv > first.txt'`, [TOOK] after the start
    ");
    assert_snapshot!(without_processes(&env.line("why sorted.csv sort.sh")), @"
    status: 0
    ----- stdout
    @1  sh sort.sh in.csv sorted.csv
        took  sort.sh  fad0e64356ac, 17 B
              read() by process [PID] `sh sort.sh in.csv sorted.csv`, [TOOK] after the start
        made  sorted.csv  41153ec5e22e, 4 B
              open() by process [PID] `sh sort.sh in.csv sorted.csv`, [TOOK] after the start
    ");
    let json = env.line("why --json first.txt sorted.csv").stdout;
    assert!(json.contains("\"call\": \"read\""), "{json}");
    assert!(json.contains("\"at\": \"20"), "{json}");
}

#[test]
fn why_follows_a_file_that_was_updated_in_place() {
    let env = pipeline();
    // What a file was before it is changed is known of one that was hashed when it had been at rest for two ticks of the clock.
    env.roar(["run", "sh", "-c", "cat first.txt; sleep 0.05"]);
    env.roar(["run", "sh", "-c", "echo more >> first.txt"]);
    assert_snapshot!(without_processes(&env.line("why first.txt sorted.csv")), @"
    status: 0
    ----- stdout
    @2  sh -c 'head -1 sorted.csv > first.txt'
        took  sorted.csv  41153ec5e22e, 4 B
              read() by process [PID] `head -1 sorted.csv`, [TOOK] after the start
        made  first.txt  81c4b7f7e054, 2 B
              open() by process [PID] `sh -c 'head -1 sorted.csv > first.txt'`, [TOOK] after the start
    @4  sh -c 'echo more >> first.txt'
        took  first.txt  81c4b7f7e054, 5 B
              write() by process [PID] `sh -c 'echo more >> first.txt'`, [TOOK] after the start
        made  first.txt  a358d7dcdec4, 5 B
              write() by process [PID] `sh -c 'echo more >> first.txt'`, [TOOK] after the start
    ");
}

#[test]
fn why_names_what_was_looked_for_and_what_was_listed() {
    let env = pipeline();
    fs::create_dir(env.project().join("parts")).unwrap();
    env.write("parts/1.csv", "1\n");
    let program = "import os; print(os.path.exists('settings.ini'), os.listdir('parts'))";
    env.roar(["run", "--tracer", "preload", "sh", "-c", &format!("python3 -S -c \"{program}\" > found.txt")]);
    env.line("run cp found.txt copy.txt");
    let absent = env.line("why copy.txt settings.ini").stdout;
    assert!(absent.contains("    absent  settings.ini, for which /"), "{absent}");
    assert!(absent.contains("\n    made  found.txt") && absent.contains("\n    made  copy.txt"), "{absent}");
    let listed = env.line("why found.txt parts").stdout;
    assert!(listed.contains("    listed  parts/  (1 name), by /"), "{listed}");
    let json: serde_json::Value =
        serde_json::from_str(&env.line("why --json found.txt settings.ini").stdout).unwrap();
    assert_eq!(json["steps"][0]["looked_up"]["kind"], "absent");
    assert_eq!(json["steps"][0]["took"], serde_json::Value::Null);
}

#[test]
fn what_was_looked_for_in_vain_is_known_of_a_run_whose_roar_was_killed() {
    let env = TestEnv::new();
    env.write("parts/1.csv", "1\n");
    env.write(
        "killer.py",
        "import os, signal\n\
         os.path.exists('settings.ini'), os.listdir('parts')\n\
         open('found.txt', 'w').write('x')\n\
         with open(f'/proc/{os.getppid()}/stat') as tracer: roar = int(tracer.read().rpartition(')')[2].split()[1])\n\
         os.kill(roar, signal.SIGKILL)\n",
    );
    // It ends when nobody has its standard output any more, the tracer included.
    env.line("run --tracer preload python3 -S killer.py");
    let said = env.line("run --tracer preload true").stderr;
    assert!(said.contains("was broken off earlier"), "{said}");
    let absent = env.line("why found.txt settings.ini").stdout;
    assert!(absent.contains("    absent  settings.ini, for which /"), "{absent}");
    // Which names were there cannot be known any more.
    let jobs: serde_json::Value = serde_json::from_str(&env.line("log --json").stdout).unwrap();
    let job = jobs["jobs"].as_array().unwrap().iter().find(|job| job["command"][2] == "killer.py").unwrap();
    let shown = env.line(&format!("show --json @{}", job["step"])).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["looked_up"]["kinds"], serde_json::json!(["absent"]));
}

#[test]
fn why_says_no_where_there_is_no_way() {
    let env = pipeline();
    assert_snapshot!(env.line("why sorted.csv first.txt"), @"
    status: 1
    ----- stderr
    error: sorted.csv does not come from first.txt, as far as is recorded

    hint: `roar lineage sorted.csv` shows what it comes from
    ");
    assert_snapshot!(env.line("why @1 in.csv"), @"
    status: 1
    ----- stderr
    error: a step is no file

    hint: name a file that it made
    ");
}

#[test]
fn diff_shows_inputs_code_command_and_what_is_at_the_beginning() {
    let env = pipeline();
    env.write("in.csv", "c\nb\n");
    env.write("sort.sh", "sort -r \"$1\" > \"$2\"\n");
    env.line("run sh sort.sh in.csv sorted.csv");
    env.roar(["run", "sh", "-c", "head -1 sorted.csv > first.txt"]);
    assert_snapshot!(env.line("diff @1 @3"), @"
    status: 0
    ----- stdout
    -  @1  sh sort.sh in.csv sorted.csv
    +  @3  sh sort.sh in.csv sorted.csv
    code
      ~ sort.sh  fad0e64356ac → 64043915bb07
    input
      ~ in.csv  6320d89fad37 → 3b68f218c24a
    output
      ~ sorted.csv  41153ec5e22e → 3b68f218c24a
    ");
    assert_snapshot!(env.line("diff @2 @4"), @"
    status: 0
    ----- stdout
    -  @2  sh -c 'head -1 sorted.csv > first.txt'
    +  @4  sh -c 'head -1 sorted.csv > first.txt'
    input
      ~ sorted.csv  41153ec5e22e → 3b68f218c24a
    root
      ~ in.csv  6320d89fad37 → 3b68f218c24a
      ~ sort.sh  fad0e64356ac → 64043915bb07
    output
      ~ first.txt  81c4b7f7e054 → d1cd1ec45291
    ");
    assert_snapshot!(env.line("diff @2 @2"), @"
    status: 0
    ----- stdout
    -  @2  sh -c 'head -1 sorted.csv > first.txt'
    +  @2  sh -c 'head -1 sorted.csv > first.txt'
    no difference
    ");
    assert_snapshot!(env.line("diff first.txt in.csv"), @"
    status: 0
    ----- stdout
    -  d1cd1ec45291  @4  sh -c 'head -1 sorted.csv > first.txt'
    +  3b68f218c24a
    content
      ~ d1cd1ec45291 → 3b68f218c24a
    ");
    assert_snapshot!(env.line("diff --json @2 @4"), @r#"
    status: 0
    ----- stdout
    {
      "format": "roar.diff/1",
      "a": {
        "job": {
          "step": 2,
          "id": "[JOB-ID]"
        },
        "command": [
          "sh",
          "-c",
          "head -1 sorted.csv > first.txt"
        ],
        "hash": null
      },
      "b": {
        "job": {
          "step": 4,
          "id": "[JOB-ID]"
        },
        "command": [
          "sh",
          "-c",
          "head -1 sorted.csv > first.txt"
        ],
        "hash": null
      },
      "differences": [
        {
          "aspect": "input",
          "name": "[DIR]/project/sorted.csv",
          "a": "41153ec5e22e7e1d208eec929ef45dcd31fd71283799b0615bb8753491715e5b",
          "b": "3b68f218c24a18332d41d3cd0c48d85c7081d4f752c5df8958de82ab9c917d2d"
        },
        {
          "aspect": "root",
          "name": "[DIR]/project/in.csv",
          "a": "6320d89fad37d349d8a8a58073768fce231fde27238d580db97b3c508a4ca487",
          "b": "3b68f218c24a18332d41d3cd0c48d85c7081d4f752c5df8958de82ab9c917d2d"
        },
        {
          "aspect": "root",
          "name": "[DIR]/project/sort.sh",
          "a": "fad0e64356ac14d0aebae40d8486a400bae2e76250b93d8654e27f3e75e59c73",
          "b": "64043915bb07617a944beaf94fca2a7e7945d69e3ec75bf6649b4bea3dbd108c"
        },
        {
          "aspect": "output",
          "name": "[DIR]/project/first.txt",
          "a": "81c4b7f7e0549f1514e9cae97cf40cf133920418d3dc71bedbf60ec9bd6148cb",
          "b": "d1cd1ec45291d06cdde016568971990c7e4da895f2e5a8a705d4feeb79578a69"
        }
      ]
    }
    "#);
}
