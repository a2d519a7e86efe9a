//! What is true of every statement.

use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator;

use super::ALL;
use crate::schema;

fn empty_database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    schema::migrate("memory".as_ref(), &mut conn).unwrap();
    conn
}

#[test]
fn every_file_is_a_statement_that_fits_the_schema() {
    let conn = empty_database();
    for (name, statement) in ALL {
        let mut rest = rusqlite::Batch::new(&conn, statement);
        while let Some(found) = rest.next().unwrap_or_else(|error| panic!("{name}: {error}")) {
            drop(found);
        }
    }
}

#[test]
fn every_file_is_in_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_str().unwrap().strip_suffix(".sql").map(str::to_owned)
        })
        .collect();
    files.sort();
    let listed: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, listed);
}

/// What a recursive query calls the rows that it has found so far.
const QUEUES: &[&str] = &["SCAN found", "SCAN now", "SCAN before"];

/// Those that are to read a whole table: counting tables, listing a bounded number of the newest jobs, looking for garbage.
const SCANS: &[&str] = &[
    "tables_count",
    "job_line_list",
    "job_list",
    "session_open",
    "session_get",
    "session_end",
    "job_id_by_step",
    "gc_flow_list",
    "gc_job_list",
    "gc_session_list",
];

#[test]
fn no_statement_reads_a_whole_table() {
    let conn = empty_database();
    for (name, statement) in ALL {
        let is_query = ["SELECT", "WITH", "INSERT", "UPDATE"].iter().any(|word| statement.starts_with(word));
        if !is_query || SCANS.contains(name) {
            continue;
        }
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let unset = rusqlite::params_from_iter(vec![rusqlite::types::Null; explain.parameter_count()]);
        let steps = explain.query_map(unset, |row| row.get::<_, String>("detail")).unwrap();
        for step in steps {
            let step = step.unwrap();
            let is_scan = step.starts_with("SCAN")
                && !step.contains("CONSTANT ROW")
                && !QUEUES.contains(&step.as_str());
            assert!(!is_scan, "{name}: {step}");
        }
    }
}
