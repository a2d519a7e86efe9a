//! What is told is what is understood.

use super::*;

#[test]
fn a_fact_survives_its_line_whatever_a_path_holds() {
    let fact = Fact::deciding("program", false, "/a\tb\nc\u{1b}[31m", "a program", "give `a\tpath`");
    let line = fact.to_string();
    assert_eq!(line.matches('\t').count(), 4);
    assert!(!line.contains(['\n', '\u{1b}']));
    let read = Fact::parse(&line).unwrap();
    assert_eq!(read.bearing, Bearing::Unmet);
    assert_eq!(read.found, "/a\\tb\\nc\\u{1b}[31m");
    assert_eq!(Fact::parse("met\tonly"), None);
}

#[test]
fn a_question_survives_its_arguments() {
    for arguments in [
        CheckArguments::default(),
        CheckArguments { run_dir: Some("/r".into()), command: vec!["a".into(), "--check".into()] },
    ] {
        assert_eq!(CheckArguments::parse(&arguments.to_arguments()), Some(Ok(arguments)));
    }
    assert_eq!(CheckArguments::parse(&["--run-dir".into()]), None);
    assert!(matches!(CheckArguments::parse(&["--check".into(), "--chekc".into()]), Some(Err(_))));
}

#[test]
fn an_unmet_fact_decides_and_a_suspect_does_not() {
    let mut said = Vec::new();
    let mut list = Checklist::begin(&mut said, "ptrace");
    list.tell(&Fact::explaining("kernel", false, "4.4", "5.8", "update"));
    assert!(list.is_usable);
    list.tell(&Fact::deciding("trial", false, "EPERM", "", ""));
    assert!(!list.is_usable);
    list.end();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("roar.preflight/1 ptrace\nsuspect\tkernel\t4.4\t5.8\tupdate\n"), "{said}");
    assert!(said.ends_with("\nend\n"), "{said}");
}
