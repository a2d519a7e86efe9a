//! Every file in `cases/` is a test of its own; see `case` for what is in one.

mod case;
mod model;
mod oracle;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use tracer_schema::EventKind;

use case::Case;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");

fn read_cases() -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = fs::read_dir(CASES)
        .expect("the cases are beside the tests")
        .map(|entry| entry.expect("the directory can be read").path())
        .map(|path| (stem(&path), fs::read_to_string(&path).expect("a case is text")))
        .collect();
    cases.sort();
    cases
}

fn stem(path: &Path) -> String {
    assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("case"), "{}", path.display());
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.expect("a case is named in ASCII").to_owned()
}

fn check(text: &str) -> Result<(), Failed> {
    Case::parse(text)?.check()?;
    Ok(())
}

/// A kind of event that no case tells is one whose meaning nothing holds fast.
fn every_event_kind_is_told_by_a_case(cases: &[(String, String)]) -> Result<(), Failed> {
    let mut told = Vec::new();
    for (_, text) in cases {
        told.extend(Case::parse(text)?.kinds()?);
    }
    let untold: Vec<&EventKind> = EventKind::ALL.iter().filter(|kind| !told.contains(kind)).collect();
    if untold.is_empty() { Ok(()) } else { Err(format!("no case tells {untold:?}").into()) }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = read_cases();
    let mut trials: Vec<Trial> = cases
        .iter()
        .map(|(name, text)| {
            let text = text.clone();
            Trial::test(name.clone(), move || check(&text))
        })
        .collect();
    trials.push(Trial::test("every_event_kind_is_told_by_a_case", move || {
        every_event_kind_is_told_by_a_case(&cases)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}
