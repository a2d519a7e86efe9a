//! The open database.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::{schema, sql};

/// Name of the database file inside `.roar`.
pub const DATABASE_NAME: &str = "roar.db";

/// How long to wait for another process's transaction. Those are short (see `ROWS_PER_TRANSACTION`), so that only a
/// stopped process keeps the lock for longer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Size from which the write-ahead log is worth folding into the database. Whoever opens first reads the whole log,
/// 1 ms per MiB; folding costs two fsyncs, 10 ms and more.
const LONG_LOG_BYTES: u64 = 512 << 10;

/// Size from which the log is folded when the store is closed, if nobody did before: one short job in twenty pays for it.
const LOG_LIMIT_BYTES: u64 = 2 << 20;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The open database of one `.roar` directory.
#[derive(Debug)]
pub struct Store {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    /// Device and inode of the database.
    identity: Option<(u64, u64)>,
}

impl Store {
    /// Opens the database in `roar_dir`, and makes whatever is missing of the two.
    ///
    /// Any number of processes may do so at once: the database is built beside its place and linked into it when whole.
    pub fn open_or_create(roar_dir: &Path) -> Result<Self> {
        match Self::open(roar_dir) {
            Err(Error::Missing { .. }) => {
                create(roar_dir)?;
                Self::open(roar_dir)
            }
            opened => opened,
        }
    }

    /// Opens the database in `roar_dir`; [`Error::Missing`] where there is none.
    pub fn open(roar_dir: &Path) -> Result<Self> {
        let path = roar_dir.join(DATABASE_NAME);
        // SQLite says of a missing file only that it could not be opened, and by the time that one looks why another process may have made it.
        if File::open(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Err(Error::Missing { path });
        }
        let mut store = Self::connected(path)?;
        schema::migrate(&store.path, &mut store.conn)?;
        Ok(store)
    }

    /// Opens the database at that path, which has the schema of this version or is about to get it.
    pub(crate) fn connected(path: PathBuf) -> Result<Self> {
        let mut conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        prepare(&mut conn).map_err(|source| Error::sqlite(&path, source))?;
        let identity = identity_of(&path);
        Ok(Self { conn, path, identity })
    }

    /// Returns whether the database at its path is still the one that was opened: somebody may have removed or replaced it since.
    pub fn is_in_place(&self) -> bool {
        identity_of(&self.path).is_some_and(|found| Some(found) == self.identity)
    }

    /// Returns where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets how long to wait for other processes, 30 seconds unless set.
    pub fn set_busy_timeout(&self, timeout: Duration) -> Result<()> {
        self.conn.busy_timeout(timeout).map_err(|source| self.failed(source))
    }

    /// Returns the error that a failed call to SQLite stands for.
    pub(crate) fn failed(&self, source: rusqlite::Error) -> Error {
        Error::sqlite(&self.path, source)
    }

    /// Returns the error for a row that makes no sense.
    pub(crate) fn bad_row(&self, what: impl Into<String>) -> Error {
        Error::BadRow { path: self.path.clone(), what: what.into() }
    }

    /// Lets several questions be answered from one state of the database, whatever others write meanwhile.
    pub fn at_one_time<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let transaction = self.conn.unchecked_transaction().map_err(|source| self.failed(source))?;
        let answer = ask()?;
        transaction.commit().map_err(|source| self.failed(source))?;
        Ok(answer)
    }

    /// Begins a transaction that may write, once no other process has one.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>> {
        self.conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| Error::sqlite(&self.path, source))
    }

    /// Returns whether the write-ahead log is so long that whoever has the time should fold it.
    pub fn has_long_log(&self) -> bool {
        self.log_bytes() > LONG_LOG_BYTES
    }

    /// Folds the log into the database. What is not possible now is left to the next: all is committed, and a log that stays
    /// long costs time, not data.
    pub fn fold_log(&self) {
        let fold = || {
            self.conn.busy_timeout(Duration::ZERO)?;
            self.conn.query_row(sql::LOG_FOLD, [], |_| Ok(()))
        };
        drop(fold());
        drop(self.conn.busy_timeout(BUSY_TIMEOUT));
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |log| log.len())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.log_bytes() > LOG_LIMIT_BYTES {
            self.fold_log();
        }
    }
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| Error::sqlite(path, source))
}

fn prepare(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // The last to close would fold the log and fsync twice: most of the time of a short `roar run`.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch(sql::CONNECTION)
}

fn create(roar_dir: &Path) -> Result<()> {
    let unwritable = |source| Error::unwritable(roar_dir.to_owned(), source);
    match DirBuilder::new().mode(DIRECTORY_MODE).create(roar_dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(unwritable(error)),
        Ok(()) | Err(_) => {}
    }
    let path = roar_dir.join(DATABASE_NAME);
    let draft = roar_dir.join(format!("{DATABASE_NAME}.{}", Uuid::now_v7()));
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&draft).map_err(unwritable)?;
    let placed = build(&draft).and_then(|()| place(&draft, &path).map_err(unwritable));
    match std::fs::remove_file(&draft) {
        Err(error) if placed.is_ok() && error.kind() != ErrorKind::NotFound => Err(unwritable(error)),
        Ok(()) | Err(_) => placed,
    }
}

/// Makes the file a whole, empty database in write-ahead mode.
fn build(draft: &Path) -> Result<()> {
    let mut conn = connect(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let failed = |source| Error::sqlite(draft, source);
    conn.execute_batch(sql::DRAFT).map_err(failed)?;
    schema::migrate(draft, &mut conn)?;
    conn.query_row(sql::LOG_USE, [], |_| Ok(())).map_err(failed)?;
    conn.close().map_err(|(_, source)| failed(source))?;
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(|source| Error::unwritable(draft.to_owned(), source))
}

/// Gives the draft its name, unless another process was first.
fn place(draft: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no hard links (FAT, some network ones).
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            rename_to_free_name(draft, path)
        }
        linked => linked,
    }
}

fn rename_to_free_name(draft: &Path, path: &Path) -> io::Result<()> {
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    match rustix::fs::renameat_with(rustix::fs::CWD, draft, rustix::fs::CWD, path, flags) {
        Err(rustix::io::Errno::EXIST) => Ok(()),
        renamed => Ok(renamed?),
    }
}
