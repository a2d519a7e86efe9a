//! Writes the fixture of this version of the store: `cargo run -p roar-store --example fixture`.
//!
//! Once per version, when it is released; what is written is never changed afterwards.

#![expect(clippy::unwrap_used, reason = "ends at the first error")]

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::fs;

use roar_store::{DATABASE_NAME, SCHEMA_VERSION, Store};

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let reports: Vec<_> = sample::jobs()
        .into_iter()
        .map(|(job, files)| {
            let done = store.record_job(job, files).unwrap();
            store.report(done.key).unwrap()
        })
        .collect();
    drop(store);
    let database = directory.path().join(DATABASE_NAME);
    let conn = rusqlite::Connection::open(&database).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    conn.close().unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    fs::copy(database, format!("{fixtures}/version-{SCHEMA_VERSION}.db")).unwrap();
    let reports = serde_json::to_string_pretty(&reports).unwrap();
    fs::write(format!("{fixtures}/version-{SCHEMA_VERSION}.json"), reports + "\n").unwrap();
}
