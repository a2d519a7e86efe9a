//! `roar dag` as drawings. The jobs run under ptrace, which needs nothing.

use cli_tests::TestEnv;
use insta::assert_snapshot;

fn env() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("ROAR_TRACER_MODE", "ptrace");
    env
}

/// Two steps, the first of which is stale, a failing one, and a file of a hostile name.
fn project() -> TestEnv {
    let env = env();
    env.write("in.csv", "b\na\n");
    env.roar(["run", "-q", "sort", "-o", "sorted.csv", "in.csv"]);
    env.roar(["run", "-q", "sh", "-c", "cat sorted.csv > \"$(printf 'bad\\377\"#;&lt;b')\"; : '</script>'"]);
    env.roar(["run", "-q", "sh", "-c", "echo c > in.csv; exit 3"]);
    env
}

#[test]
fn dot_is_a_graph_that_no_name_ends() {
    assert_snapshot!(project().line("dag --dot"), @r##"
    status: 0
    ----- stdout
    digraph roar {
      rankdir=LR;
      node [fontname="sans-serif" fontsize=10];
      edge [color="#667788"];
      n0 [label="@1\nsort -o sorted.csv in.csv\nstale" tooltip="sort -o sorted.csv in.csv" shape=box style="rounded,filled" fillcolor="#dbe9f6" color="#b3541e" penwidth=2];
      n1 [label="@2\nsh -c 'cat sorted.csv > \"$(printf '\\''bad\\377\"#;&amp;lt;b'\\'')\"…" tooltip="sh -c 'cat sorted.csv > \"$(printf '\\''bad\\377\"#;&amp;lt;b'\\'')\"; : '\\''</script>'\\'''" shape=box style="rounded,filled" fillcolor="#dbe9f6"];
      n2 [label="@3\nsh -c 'echo c > in.csv; exit 3'\nfailed" tooltip="sh -c 'echo c > in.csv; exit 3'" shape=box style="rounded,filled" fillcolor="#dbe9f6" color="#b3541e" penwidth=2];
      n3 [label="in.csv\n6320d89fad37" tooltip="in.csv" shape=note];
      n4 [label="sorted.csv\n41153ec5e22e" tooltip="sorted.csv" shape=note];
      n5 [label="$'bad\\377\"#;&amp;lt;b'\n41153ec5e22e" tooltip="$'bad\\377\"#;&amp;lt;b'" shape=note];
      n6 [label="in.csv\nd1cd1ec45291" tooltip="in.csv" shape=note];
      n0 -> n4;
      n1 -> n5;
      n2 -> n6;
      n3 -> n0;
      n4 -> n1;
    }
    "##);
}

#[test]
fn mermaid_is_a_flowchart_that_no_name_ends() {
    assert_snapshot!(project().line("dag --mermaid"), @r##"
    status: 0
    ----- stdout
    flowchart LR
      n0["@1<br>sort -o sorted.csv in.csv<br>stale"]:::job
      n1["@2<br>sh -c #39;cat sorted.csv #62; #34;#36;(printf #39;#92;#8203;#39;#39;bad#92;#8203;377#34;#35;#59;#38;lt#59;b#39;#92;#8203;#39;#39;)#34;…"]:::job
      n2["@3<br>sh -c #39;echo c #62; in.csv#59; exit 3#39;<br>failed"]:::job
      n3(["in.csv<br>6320d89fad37"]):::file
      n4(["sorted.csv<br>41153ec5e22e"]):::file
      n5(["#36;#39;bad#92;#8203;377#34;#35;#59;#38;lt#59;b#39;<br>41153ec5e22e"]):::file
      n6(["in.csv<br>d1cd1ec45291"]):::file
      n0 --> n4
      n1 --> n5
      n2 --> n6
      n3 --> n0
      n4 --> n1
      classDef job fill:#dbe9f6,stroke:#335577,color:#112233
      classDef file fill:#ffffff,stroke:#889099,color:#112233
      classDef warned stroke:#b3541e,stroke-width:3px
      class n0,n2 warned
    "##);
}

#[test]
fn many_files_are_one_node_unless_all_are_asked_for() {
    let env = env();
    env.roar(["run", "-q", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > f$i; done"]);
    let nodes = |line: &str| env.line(line).stdout.lines().filter(|line| line.contains(" [label=")).count();
    assert_eq!(nodes("dag --dot"), 2);
    assert_eq!(nodes("dag --dot --artifacts"), 11);
}

#[test]
fn a_page_is_written_as_a_whole_and_needs_nothing_else() {
    let env = project();
    assert_snapshot!(env.line("dag --html dag.html"), @"
    status: 0
    ");
    let page = env.read("dag.html");
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("src=") && !page.contains("href="), "it refers to something");
    assert_eq!(page.matches("</script>").count(), 2, "a name has ended a script");
    assert_snapshot!(env.line("dag --html nowhere/dag.html"), @"
    status: 3
    ----- stderr
    error: cannot write nowhere/dag.html
      caused by: No such file or directory (os error 2)

    hint: name a file in a directory that is there, and that you may write to
    ");
}

#[test]
fn one_form_at_a_time() {
    let answer = env().line("dag --dot --json");
    assert_eq!(answer.status, "2");
    assert!(answer.stderr.contains("'--dot' cannot be used with '--json'"), "{answer}");
}
