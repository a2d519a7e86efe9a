//! A second connection that sees the same state of the database, so that two threads read it.

use crate::error::Result;
use crate::sql;
use crate::store::Store;

/// Size from which a second reader is worth its making.
const BYTES_MIN: u64 = 16 << 20;

/// A second connection, before it is known which state it sees.
struct Candidate {
    store: Store,
    /// What SQLite calls the state that it saw last. It changes with every commit of another connection
    /// (the SQLite manual, `PRAGMA data_version`).
    version: i64,
}

impl Candidate {
    fn new(first: &Store) -> Option<Self> {
        let store = Store::connected(first.path.clone()).ok()?;
        let version = data_version(&store).ok()?;
        // What is at the path now may be another database.
        first.is_in_place().then_some(Self { store, version })
    }

    /// Begins to read, and returns the connection if nothing was committed since it was made: whatever began to read meanwhile sees the
    /// same state.
    fn begin(self) -> Option<Store> {
        let Self { store, version } = self;
        store.conn.execute_batch(sql::READ_BEGIN).ok()?;
        (data_version(&store).ok()? == version).then_some(store)
    }
}

/// Returns what SQLite calls the state that a connection sees; in a transaction, it sees no other from then on.
fn data_version(store: &Store) -> rusqlite::Result<i64> {
    store.conn.query_row(sql::DATA_VERSION, [], |row| row.get(0))
}

impl Store {
    /// As [`Self::at_one_time`], with a second connection to the same state for another thread. There is none where it would not pay, nor
    /// where something was committed at that very moment.
    pub fn at_one_time_by_two<T>(&self, ask: impl FnOnce(Option<Self>) -> Result<T>) -> Result<T> {
        let is_large = std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= BYTES_MIN);
        let candidate = if is_large { Candidate::new(self) } else { None };
        self.at_one_time(|| {
            data_version(self).map_err(|source| self.failed(source))?;
            ask(candidate.and_then(Candidate::begin))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, data_version};
    use crate::Store;

    #[test]
    fn a_second_connection_sees_the_same_state_or_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join(".roar");
        let first = Store::open_or_create(&directory).unwrap();
        let other = Store::open(&directory).unwrap();
        let commit = |words: &str| {
            other.conn.execute("INSERT INTO path (path) VALUES (?1)", [words.as_bytes()]).unwrap();
        };
        let count = |store: &Store| -> i64 {
            store.conn.query_row("SELECT count(*) FROM path", [], |row| row.get(0)).unwrap()
        };
        commit("a");

        let candidate = Candidate::new(&first).unwrap();
        let reading = first.conn.unchecked_transaction().unwrap();
        data_version(&first).unwrap();
        let second = candidate.begin().unwrap();
        commit("b");
        assert_eq!((count(&first), count(&second), count(&other)), (1, 1, 2));
        drop(reading);

        for is_before in [true, false] {
            let candidate = Candidate::new(&first).unwrap();
            if is_before {
                commit("before the first reads");
            }
            let _reading = first.conn.unchecked_transaction().unwrap();
            data_version(&first).unwrap();
            if !is_before {
                commit("after");
            }
            assert!(candidate.begin().is_none());
        }
    }
}
