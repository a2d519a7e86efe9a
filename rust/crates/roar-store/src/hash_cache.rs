//! Hashes remembered between runs, so that nothing is hashed twice.
//!
//! An entry says: when the file had this stamp, its content had this hash. That is only to be trusted if a later change
//! of the content must have changed the stamp. A change within the same tick of the clock that stamps files does not
//! (git calls such entries racy): the file is hashed, then written once more, and its stamp stays the same. Hence each entry holds the
//! time at which hashing **began**, and one whose `mtime` or `ctime` is not older than that by [`RACY_WINDOW_NS`] is never
//! given back. The file is then hashed again, which makes an entry that can be trusted.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tracer_schema::{FileStamp, Hashes};

use crate::error::{Error, Result};
use crate::row::Unsigned;
use crate::sql;
use crate::store::Store;

/// How much older than its hashing a file must be: two ticks of the slowest clock that stamps files (CONFIG_HZ=100).
/// File systems that keep coarser times are known to whoever hashes, who gives none of theirs here
/// (`roar_hash::Outcome::Hashed::is_settled`).
pub const RACY_WINDOW_NS: i64 = 20_000_000;

/// The algorithms that have a column; hashes by others are not remembered.
const ALGORITHMS: [&str; 3] = ["blake3", "sha256", "md5"];

/// A hash to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedHash {
    /// The file, as it was both before and after it was hashed.
    pub stamp: FileStamp,
    /// Wall clock when hashing began, nanoseconds since 1970.
    pub hashed_at_unix_ns: i64,
    /// Its hashes.
    pub hashes: Hashes,
}

impl Store {
    /// Returns for each file the hashes that can be trusted, if there are any.
    ///
    /// They may be by fewer algorithms than are wanted: look before use.
    pub fn hash_cache_lookup(&self, stamps: &[FileStamp]) -> Result<Vec<Option<Hashes>>> {
        let failed = |source| self.failed(source);
        // One transaction: else each statement takes and drops the lock on the log.
        let transaction = self.conn.unchecked_transaction().map_err(failed)?;
        let mut find = transaction.prepare(sql::HASH_CACHE_FIND).map_err(failed)?;
        let mut found = Vec::with_capacity(stamps.len());
        for stamp in stamps {
            let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode: _, nlink: _ } = *stamp;
            let Some(at_rest_ns) = mtime_ns.max(ctime_ns).checked_add(RACY_WINDOW_NS) else {
                found.push(None);
                continue;
            };
            let key = params![Unsigned(dev), Unsigned(ino), Unsigned(size), mtime_ns, ctime_ns, at_rest_ns];
            let row = find.query_row(key, hashes);
            found.push(row.optional().map_err(failed)?);
        }
        Ok(found)
    }

    /// Remembers hashes.
    pub fn hash_cache_put(&mut self, hashes: &[CachedHash]) -> Result<()> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, source);
        let transaction = self.write()?;
        put(&transaction, hashes).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

fn hashes(row: &Row<'_>) -> rusqlite::Result<Hashes> {
    let mut hashes = Hashes::new();
    for (at, algorithm) in ALGORITHMS.iter().enumerate() {
        if let Some(hash) = row.get_ref(at)?.as_blob_or_null()? {
            hashes.insert(algorithm, hash);
        }
    }
    Ok(hashes)
}

/// Remembers hashes.
pub(crate) fn put(conn: &Connection, hashes: &[CachedHash]) -> rusqlite::Result<()> {
    if hashes.is_empty() {
        return Ok(());
    }
    let mut put = conn.prepare(sql::HASH_CACHE_PUT)?;
    for CachedHash { stamp, hashed_at_unix_ns, hashes } in hashes {
        let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode: _, nlink: _ } = *stamp;
        let [blake3, sha256, md5] = ALGORITHMS.map(|name| hashes.get(name));
        put.execute(params![
            Unsigned(dev),
            Unsigned(ino),
            Unsigned(size),
            mtime_ns,
            ctime_ns,
            hashed_at_unix_ns,
            blake3,
            sha256,
            md5,
        ])?;
    }
    Ok(())
}
