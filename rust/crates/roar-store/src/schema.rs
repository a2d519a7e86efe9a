//! Versions of the database: which one it has, and the way up to the one that this code knows.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, Result};
use crate::sql;

/// `PRAGMA application_id` of every database of ours: "roar" in ASCII.
pub const APPLICATION_ID: i64 = 0x726f_6172;

/// The steps up: the one at index n makes version n + 1 of version n. A step is never changed once it has been released.
const MIGRATIONS: &[&str] = &[
    include_str!("../sql/migrations/0001_initial.sql"),
    include_str!("../sql/migrations/0002_lists_of_uses.sql"),
    include_str!("../sql/migrations/0003_reading.sql"),
    include_str!("../sql/migrations/0004_tasks.sql"),
    include_str!("../sql/migrations/0005_objects.sql"),
    include_str!("../sql/migrations/0006_lookups.sql"),
    include_str!("../sql/migrations/0007_since.sql"),
];

/// The version of the schema that this code writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// What the header of a database says.
#[derive(PartialEq, Eq)]
enum Header {
    /// Ours, of the version that this code writes.
    Current,
    /// Ours, of an earlier version; 0 where there is nothing yet.
    Earlier(i64),
}

/// Brings the database to [`SCHEMA_VERSION`], or says why that cannot be.
pub(crate) fn migrate(path: &Path, conn: &mut Connection) -> Result<()> {
    if read_header(path, conn)? == Header::Current {
        return Ok(());
    }
    let failed = |source| Error::sqlite(path, source);
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have done it while this one waited for the lock.
    let Header::Earlier(version) = read_header(path, &transaction)? else {
        return Ok(());
    };
    let done = usize::try_from(version).expect("the header was found to be of a version that is known");
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn read_header(path: &Path, conn: &Connection) -> Result<Header> {
    let failed = |source| Error::sqlite(path, source);
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(Header::Current),
        (APPLICATION_ID, version) if (0..SCHEMA_VERSION).contains(&version) => Ok(Header::Earlier(version)),
        (APPLICATION_ID, found) => Err(Error::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION }),
        (0, 0) => {
            let tables: i64 = conn.query_row(sql::TABLES_COUNT, [], |row| row.get(0)).map_err(failed)?;
            if tables == 0 { Ok(Header::Earlier(0)) } else { Err(Error::NotOurs { path: path.to_owned() }) }
        }
        _ => Err(Error::NotOurs { path: path.to_owned() }),
    }
}
