//! What the command line means.

use super::*;

fn parsed(line: &str) -> Parsed {
    parse(line.split(' ').map(OsString::from))
}

/// Returns the flags of `roar run …`, or the status that the line is refused with.
fn run(line: &str) -> Result<RunArgs, u8> {
    match parsed(&format!("roar run {line}")) {
        Parsed::Command(Command::Run(args)) => Ok(args),
        Parsed::Command(_) => unreachable!("the line says run"),
        Parsed::Answered { status, .. } => Err(status),
    }
}

#[test]
fn clap_finds_nothing_wrong_with_the_definitions() {
    Cli::command().debug_assert();
}

#[test]
fn everything_from_the_first_word_that_is_not_an_option_belongs_to_the_command() {
    for (line, command) in [
        ("ls", "ls"),
        ("ls -la --tracer ptrace", "ls -la --tracer ptrace"),
        ("--no-hash ls --no-hash", "ls --no-hash"),
        ("-- --odd", "--odd"),
        ("ls -- x", "ls -- x"),
        ("-q -- ls --", "ls --"),
        ("sh -c --help", "sh -c --help"),
        ("roar run -v", "roar run -v"),
    ] {
        assert_eq!(run(line).unwrap().command.join(" ".as_ref()), command, "{line}");
    }
}

#[test]
fn a_command_line_of_run_that_makes_no_sense_ends_with_125() {
    for line in [
        "--bogus ls",
        "--report - ls",
        "--tracer strace ls",
        "--label novalue ls",
        "--label =v ls",
        "-q -v ls",
        "--",
    ] {
        assert_eq!(run(line).unwrap_err(), 125, "{line}");
    }
}

#[test]
fn other_command_lines_that_make_no_sense_end_with_2() {
    for line in ["roar log --bogus", "roar nonsense", "roar init -y -n", "roar log run --bogus"] {
        assert!(matches!(parsed(line), Parsed::Answered { status: 2, .. }), "{line}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    for line in ["roar --help", "roar run --help", "roar --version", "roar config set --help"] {
        assert!(matches!(parsed(line), Parsed::Answered { status: 0, .. }), "{line}");
    }
}

#[test]
fn labels_keep_what_follows_the_first_equals_sign() {
    let args = run("--label a=1 --label b=x=y --label c= ls").unwrap();
    let labels = [("a", "1"), ("b", "x=y"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(args.labels, labels);
}
