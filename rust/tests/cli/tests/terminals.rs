//! What does not fit: narrow terminals, long commands, one content under several names. The commands run under ptrace, which
//! needs nothing.

use cli_tests::TestEnv;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env
}

#[test]
fn a_list_of_jobs_is_no_wider_than_the_terminal() {
    let mut env = env();
    env.roar([
        "run",
        "sh",
        "-c",
        "seq 2000 > numbers.txt; sort numbers.txt > sorted.txt; uniq sorted.txt > uniq.txt",
    ]);
    env.roar(["run", "sort", "uniq.txt"]);
    for columns in [40, 60, 80, 100] {
        env.set("COLUMNS", &columns.to_string());
        for command in ["log", "show", "show uniq.txt"] {
            let answer = env.line(command);
            let widest = answer
                .stdout
                .lines()
                .skip_while(|line| !line.starts_with("step"))
                .map(|line| line.chars().count());
            assert!(widest.max().unwrap() <= columns, "{columns} columns: {answer}");
            assert!(answer.stdout.contains("@2") && answer.stdout.contains("sort uniq.txt"), "{answer}");
        }
    }
    // What is left out of a narrow list is in a wide one.
    let heading = |env: &TestEnv| env.line("log").stdout.lines().next().unwrap().split_whitespace().count();
    assert_eq!(heading(&env), 8);
    env.set("COLUMNS", "40");
    assert_eq!(heading(&env), 3);
}

#[test]
fn the_command_of_a_process_is_cut_where_it_is_evidence() {
    let env = env();
    env.write("in.txt", "a\n");
    let many = "in.txt ".repeat(3_000);
    env.roar(["run", "sh", "-c", &format!("cat {many} > out.txt")]);
    let answer = env.line("why out.txt in.txt");
    let evidence = answer.stdout.lines().filter(|line| line.contains("by process"));
    assert!(evidence.map(|line| line.chars().count()).max().unwrap() < 300, "{answer}");
    assert!(answer.stdout.contains("`cat in.txt in.txt") && answer.stdout.contains("…`"), "{answer}");
}

#[test]
fn a_lineage_begins_with_the_name_that_was_asked_for() {
    let env = env();
    env.roar(["run", "sh", "-c", "echo same > one.txt; cp one.txt two.txt; cp one.txt three.txt"]);
    for name in ["one.txt", "two.txt", "three.txt"] {
        let answer = env.roar(["lineage", name]);
        assert!(answer.stdout.starts_with(&format!("{name}  ")), "{answer}");
        let json = env.roar(["lineage", "--json", name]).stdout;
        let artifact = json.split("\"hash\"").next().unwrap();
        assert!(artifact.contains(&format!("/{name}\"")), "{json}");
    }
}
