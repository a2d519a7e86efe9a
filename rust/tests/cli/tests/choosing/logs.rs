//! The debug log: in one form whatever the backend, and fit to be sent along.

use std::fs;

use crate::tracers::Tracers;

/// What nobody may find in a log.
const CONTENT: &str = "what-is-in-the-file";
const VALUE: &str = "what-is-in-the-variable";

fn log_of(backend: &str) -> Option<String> {
    let mut tracers = Tracers::none().real(backend);
    if tracers.env.roar(["tracer", "check", backend]).status != "0" {
        return None;
    }
    tracers.env.set("SECRET", VALUE);
    tracers.env.write("in.txt", CONTENT);
    let script = "read -r word < in.txt; echo $word $SECRET > out.txt";
    let answer = tracers.env.roar(["run", "-vv", "--tracer", backend, "sh", "-c", script]);
    assert_eq!(answer.status, "0", "{answer}");
    assert!(tracers.env.read("out.txt").contains(CONTENT));
    Some(tracers.env.read(".roar/tracer.log"))
}

#[test]
fn every_backend_writes_the_same_form_and_neither_contents_nor_values() {
    for backend in ["ebpf", "preload", "ptrace"] {
        let Some(log) = log_of(backend) else { continue };
        let remarks: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("# ")).collect();
        assert!(remarks[0].starts_with("roar "), "{log}");
        assert!(remarks[1].starts_with("tracer.mode "), "{log}");
        assert!(remarks[2].starts_with(&format!("{backend} is started: ")), "{log}");
        for event in log.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = event.split_whitespace().collect();
            assert!(words[0].parse::<f64>().is_ok(), "{event}");
            assert!(words[1].parse::<u32>().is_ok() && words[2].parse::<u32>().is_ok(), "{event}");
            assert!(words[4].starts_with("flags=0x"), "{event}");
        }
        assert!(log.contains("/in.txt") && log.contains("/out.txt"), "{log}");
        assert!(!log.contains(CONTENT), "{log}");
        assert!(!log.contains(VALUE), "{log}");
    }
}

#[test]
fn the_log_before_is_kept_and_the_one_before_that_is_not() {
    let tracers = Tracers::none().real("ptrace");
    for word in ["first", "second", "third"] {
        tracers.env.roar(["run", "-vv", "echo", word]);
    }
    assert!(tracers.env.read(".roar/tracer.log").contains("third"));
    assert!(tracers.env.read(".roar/tracer.log.1").contains("second"));
    let logs = fs::read_dir(tracers.env.project().join(".roar")).unwrap();
    let is_log = |name: &str| name.starts_with("tracer.log");
    assert_eq!(
        logs.filter(|entry| is_log(&entry.as_ref().unwrap().file_name().to_string_lossy())).count(),
        2
    );
}

#[test]
fn a_run_that_is_refused_leaves_a_log_with_the_reasons() {
    let tracers = Tracers::none().script("preload", "exit 9");
    let (answer, _) = tracers.run(&["-vv"]);
    assert_eq!(answer.status, "125", "{answer}");
    let log = tracers.env.read(".roar/tracer.log");
    assert!(
        log.contains("# preload is passed over: roar-tracer-preload does not work: it ended with status 9"),
        "{log}"
    );
    assert!(log.contains("# ebpf is passed over: not installed"), "{log}");
}
