//! Reports that are right, and reports with something wrong in them.

use super::*;
use crate::model::{Machine, Model};

/// A program that leaves a record of every role.
const PROGRAM: &str = "+ file a xyz\n+ file b xyz\n+ file c xyz\n0 0 open a RDWR\n1 0 read %0 2\n2 0 write %0 1\n3 0 unlink b\n\
                       4 0 open t RDWR|CREAT\n5 0 unlink t\n6 0 rename c d NONE\n";

fn right() -> (Settled, Run, Vec<Record>) {
    let settled = Model::settle(&Machine::anywhere(), &PROGRAM.parse().unwrap());
    let outcomes = settled.outcomes.iter().zip(&settled.program.lines);
    let results = outcomes.map(|(outcome, line)| {
        let Returned { value, sum } = outcome.unwrap();
        (line.id, value, 0, sum)
    });
    let run = Run {
        ending: Ending::Code(0),
        stderr: String::new(),
        results: results.collect(),
        processes: BTreeMap::from([(4242, 0)]),
        tree: settled.model.tree(),
        report: None,
        places: ["/base", "/base/w"].map(str::to_owned),
    };
    let records = settled.model.expected().iter().map(|record| record_of(record, &run.places[1])).collect();
    (settled, run, records)
}

#[test]
fn what_is_right_has_no_fault() {
    let (settled, run, records) = right();
    assert_eq!(judge_run(&settled, &run), [""; 0]);
    assert_eq!(judge_records(&settled, &run, &records), [""; 0]);
    assert_eq!(compare(&records, &records, &settled.model.expected()), [""; 0]);
}

#[test]
fn every_field_of_every_record_that_is_wrong_is_found() {
    let (settled, run, records) = right();
    let expected = settled.model.expected();
    let roles: BTreeSet<_> = expected.iter().map(|record| record.role).collect();
    assert_eq!(roles.len(), 4);
    for at in 0..records.len() {
        let fields: Vec<String> = records[at].keys().cloned().collect();
        for field in fields.iter().filter(|field| !records[at][*field].is_null()) {
            let mut wrong = records.clone();
            wrong[at].insert(field.clone(), json!("something else"));
            assert_ne!(judge_records(&settled, &run, &wrong), [""; 0], "{field} of {}", brief(&records[at]));
            assert_ne!(compare(&records, &wrong, &expected), [""; 0], "{field} of {}", brief(&records[at]));
        }
    }
}

#[test]
fn a_record_that_is_missing_or_too_much_is_found() {
    let (settled, run, records) = right();
    let expected = settled.model.expected();
    for at in 0..records.len() {
        let mut fewer = records.clone();
        let gone = fewer.remove(at);
        assert_eq!(judge_records(&settled, &run, &fewer), [format!("- {}", brief(&gone))]);
        assert_eq!(compare(&records, &fewer, &expected), [format!("only the first has {}", brief(&gone))]);
        let mut more = records.clone();
        let other =
            Record::from_iter([("path".to_owned(), json!("other")), ("role".to_owned(), json!("input"))]);
        more.insert(at, other);
        assert_eq!(judge_records(&settled, &run, &more), ["+ other input"]);
        assert_eq!(compare(&records, &more, &expected), ["only the second has other input"]);
    }
}

#[test]
fn a_call_or_a_file_that_is_not_as_the_model_says_is_found() {
    let (settled, mut run, _) = right();
    run.results[1].1 += 1;
    run.tree.insert("a".to_owned(), b"other".to_vec());
    run.tree.remove("d");
    run.ending = Ending::Code(1);
    assert_eq!(judge_run(&settled, &run).len(), 4);
}
