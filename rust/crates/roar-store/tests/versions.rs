//! Databases of every version open, and of no later one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use roar_store::{APPLICATION_ID, DATABASE_NAME, Error, SCHEMA_VERSION, Store};
use serde_json::Value;
use tempfile::TempDir;
use tracer_schema::RunReport;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn every_version_has_a_fixture_that_opens_and_says_the_same() {
    for version in 1..=SCHEMA_VERSION {
        let database = fixture(&format!("version-{version}.db"));
        let directory = tempfile::tempdir().unwrap();
        fs::copy(&database, directory.path().join(DATABASE_NAME)).unwrap_or_else(|error| {
            panic!("{}: {error}; make it with the example `fixture`", database.display())
        });
        let store = Store::open(directory.path()).unwrap();
        let mut jobs = store.jobs(usize::MAX).unwrap();
        jobs.reverse();
        let reports: Vec<RunReport> = jobs.iter().map(|job| store.report(job.key).unwrap()).collect();
        let expected = fs::read(fixture(&format!("version-{version}.json"))).unwrap();
        assert_eq!(
            serde_json::to_value(reports).unwrap(),
            serde_json::from_slice::<Value>(&expected).unwrap()
        );
    }
}

#[test]
fn the_fixture_of_this_version_has_the_schema_that_is_made_now() {
    let schema = |path: &Path| {
        let conn = rusqlite::Connection::open(path).unwrap();
        let mut list =
            conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let rows = list.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| row.unwrap()).collect::<Vec<_>>()
    };
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("fixture.db");
    fs::copy(fixture(&format!("version-{SCHEMA_VERSION}.db")), &copy).unwrap();
    drop(Store::open_or_create(directory.path()).unwrap());
    assert_eq!(schema(&copy), schema(&directory.path().join(DATABASE_NAME)));
}

/// Returns a database whose header says so.
fn database(application_id: i64, user_version: i64) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let conn = rusqlite::Connection::open(directory.path().join(DATABASE_NAME)).unwrap();
    conn.execute_batch("CREATE TABLE thing (id INTEGER)").unwrap();
    conn.pragma_update(None, "application_id", application_id).unwrap();
    conn.pragma_update(None, "user_version", user_version).unwrap();
    directory
}

#[test]
fn a_newer_version_is_refused_and_left_alone() {
    let directory = database(APPLICATION_ID, SCHEMA_VERSION + 1);
    let path = directory.path().join(DATABASE_NAME);
    let before = fs::read(&path).unwrap();
    let error = Store::open_or_create(directory.path()).unwrap_err();
    let (found, known) = (SCHEMA_VERSION + 1, SCHEMA_VERSION);
    assert_eq!(
        error.to_string(),
        format!(
            "the database {} has version {found}, and this roar knows versions up to {known}",
            path.display()
        )
    );
    assert_eq!(error.hint(), Some("use the newer roar that wrote it"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused() {
    for (application_id, user_version) in [(0, 0), (0, SCHEMA_VERSION), (7, SCHEMA_VERSION)] {
        let directory = database(application_id, user_version);
        let error = Store::open_or_create(directory.path()).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{application_id} {user_version}: {error:?}");
    }
}

#[test]
fn a_file_of_no_bytes_becomes_a_database() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DATABASE_NAME), b"").unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    store.record_job(sample::job("true"), []).unwrap();
}
