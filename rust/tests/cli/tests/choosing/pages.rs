//! What `roar tracer` shows, by tracers whose answers are known.

use insta::assert_snapshot;

use crate::tracers::Tracers;

fn three() -> Tracers {
    Tracers::none()
        .answering(
            "ebpf",
            &[
                "met\tkernel\t6.1.0\t5.8 or newer\t",
                "suspect\tCAP_BPF\tnot there\tto load programs\t`sudo roar tracer enable ebpf`",
                "trying\tto load the programs",
                "unmet\tprograms\tEPERM\tthe kernel takes them\tgive up",
            ],
        )
        .answering("preload", &["met\tlibrary\tthere\tbeside the tracer\t", "met\ttrial\tseen\tis seen\t"])
        .answering("ptrace", &["suspect\tkernel\t4.4\t4.8 or newer\tupdate", "met\ttrial\tseen\tis seen\t"])
}

#[test]
fn the_overview_has_the_active_backend_and_why_not_the_others() {
    let tracers = three();
    assert_snapshot!(tracers.env.line("tracer"), @"
    status: 0
    ----- stdout
    active  preload
    mode  auto (default)

    backend  preflight  took  why
    ebpf  failed  [TOOK]  CAP_BPF: not there
    preload  passed  [TOOK]
    ptrace  passed  [TOOK]

    hint: ebpf: `sudo roar tracer enable ebpf`
    ");
    assert_snapshot!(tracers.env.line("tracer use ptrace"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    ");
    assert_snapshot!(tracers.env.line("tracer"), @"
    status: 0
    ----- stdout
    active  ptrace
    mode  ptrace ([DIR]/project/.roar/config.toml:4)

    backend  preflight  took  why
    ebpf  failed  [TOOK]  CAP_BPF: not there
    preload  passed  [TOOK]
    ptrace  passed  [TOOK]

    hint: ebpf: `sudo roar tracer enable ebpf`
    ");
}

#[test]
fn a_check_shows_every_fact_and_the_first_obstacle_with_its_remedy() {
    let tracers = three();
    assert_snapshot!(tracers.env.line("tracer check ebpf"), @"
    status: 1
    ----- stdout
    ebpf  found  needed
    kernel  ok  6.1.0  5.8 or newer
    CAP_BPF  no  not there  to load programs
    programs  no  EPERM  the kernel takes them
    cannot be used: CAP_BPF: not there
    hint: `sudo roar tracer enable ebpf`
    ");
    assert_snapshot!(tracers.env.line("tracer check ptrace"), @"
    status: 0
    ----- stdout
    ptrace  found  needed
    kernel  note  4.4  4.8 or newer
    trial  ok  seen  is seen
    ptrace can be used
    ");
    let json: serde_json::Value =
        serde_json::from_str(&tracers.env.line("tracer check ebpf --json").stdout).unwrap();
    assert_eq!(json["format"], "roar.tracer-check/1");
    assert_eq!(json["usable"], false);
    assert_eq!(json["backends"][0]["reason"], "CAP_BPF: not there");
    assert_eq!(json["backends"][0]["remedy"], "`sudo roar tracer enable ebpf`");
    assert_eq!(json["backends"][0]["facts"][1]["state"], "suspect");
    assert_eq!(json["backends"][0]["facts"][2]["found"], "EPERM");
}

#[test]
fn where_nothing_works_the_overview_says_so_and_ends_with_1() {
    let tracers = Tracers::none().script("preload", "kill -SEGV $$");
    assert_snapshot!(tracers.env.line("tracer"), @"
    status: 1
    ----- stdout
    active  none: nothing can be traced here
    mode  auto (default)

    backend  preflight  took  why
    ebpf  failed  [TOOK]  not installed: there is no roar-tracer-ebpf in [DIR]/home/tracers
    preload  failed  [TOOK]  roar-tracer-preload does not work: it was killed by signal 11 and said nothing
    ptrace  failed  [TOOK]  not installed: there is no roar-tracer-ptrace in [DIR]/home/tracers

    hint: ebpf: install it beside `roar`
    hint: preload: install roar anew: its tracers are of the same build as roar
    hint: ptrace: install it beside `roar`
    ");
}

#[test]
fn a_choice_that_has_no_effect_here_is_warned_of() {
    let mut tracers = three();
    tracers.env.set("ROAR_TRACER_MODE", "preload");
    assert_snapshot!(tracers.env.line("tracer use ptrace"), @"
    status: 0
    ----- stderr
    changed [DIR]/project/.roar/config.toml
    warning: here ROAR_TRACER_MODE says `preload`, which wins
    ");
    assert_snapshot!(tracers.env.line("tracer use strace"), @"
    status: 2
    ----- stderr
    error: invalid value 'strace' for '<MODE>'
      [possible values: auto, ebpf, preload, ptrace]

      tip: a similar value exists: 'ptrace'

    For more information, try '--help'.
    ");
    assert_snapshot!(tracers.env.line("tracer use --global ebpf"), @"
    status: 0
    ----- stderr
    changed [DIR]/home/.roar/config.toml
    warning: here ROAR_TRACER_MODE says `preload`, which wins
    ");
}
