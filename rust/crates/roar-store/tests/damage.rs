//! Damage and where it is: the store works, or says what is wrong with which file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test says why it is skipped")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use std::error::Error as _;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use roar_store::{DATABASE_NAME, Error, Store};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use sample::{file, job};
use tempfile::TempDir;
use tracer_schema::{FileRecord, Role};

/// Returns a store of two jobs, the second of them in the log alone.
fn store() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    let mut store = Store::open_or_create(&roar_dir).unwrap();
    store.record_job(job("one"), files(500)).unwrap();
    drop(store);
    let conn = rusqlite::Connection::open(roar_dir.join(DATABASE_NAME)).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(conn);
    Store::open(&roar_dir).unwrap().record_job(job("two"), files(20)).unwrap();
    (directory, roar_dir)
}

fn files(count: u64) -> Vec<FileRecord> {
    (0..count).map(|at| file(&format!("/p/{at:06}"), Role::Input, at)).collect()
}

fn use_all(roar_dir: &Path) -> Result<usize, Error> {
    let mut store = Store::open(roar_dir)?;
    for job in store.jobs(usize::MAX)? {
        store.report(job.key)?;
    }
    store.record_job(job("three"), files(20))?;
    Ok(store.jobs(usize::MAX)?.len())
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

fn truncate(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// What must come of a damage.
#[derive(Debug)]
enum Verdict {
    /// It works, with so many jobs after one more.
    Works(usize),
    /// The file is said to be no database.
    NotADatabase,
    /// The file is said to be damaged.
    Damaged,
    /// Either of these, as the bytes fall, and never a panic.
    Fails,
}

fn check(name: &str, verdict: Verdict, damage: impl FnOnce(&Path)) {
    let (_directory, roar_dir) = store();
    damage(&roar_dir);
    let found = use_all(&roar_dir);
    let is_expected = match (&verdict, &found) {
        (Verdict::Works(jobs), Ok(found)) => jobs == found,
        (Verdict::NotADatabase, Err(Error::NotADatabase { .. })) => true,
        (Verdict::Damaged, Err(Error::Damaged { .. })) => true,
        (Verdict::Fails, Err(Error::NotADatabase { .. } | Error::Damaged { .. } | Error::BadRow { .. })) => {
            true
        }
        _ => false,
    };
    assert!(is_expected, "{name}: expected {verdict:?}, found {found:?}");
    if let Err(error) = found {
        let path = roar_dir.join(DATABASE_NAME);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_damaged_database_is_told_apart_from_no_database() {
    let database = |roar_dir: &Path| roar_dir.join(DATABASE_NAME);
    check("no damage", Verdict::Works(3), |_| {});
    check("garbage for a header", Verdict::NotADatabase, |dir| {
        fs::remove_file(dir.join("roar.db-wal")).unwrap();
        overwrite(&database(dir), 0, &[0x55; 100]);
    });
    check("text in its place", Verdict::NotADatabase, |dir| {
        fs::write(database(dir), "not a database\n".repeat(100)).unwrap();
        fs::remove_file(dir.join("roar.db-wal")).unwrap();
    });
    check("cut to half", Verdict::Damaged, |dir| {
        fs::remove_file(dir.join("roar.db-wal")).unwrap();
        let length = fs::metadata(database(dir)).unwrap().len();
        truncate(&database(dir), length / 2);
    });
    check("cut within the first page", Verdict::Fails, |dir| {
        fs::remove_file(dir.join("roar.db-wal")).unwrap();
        truncate(&database(dir), 1000);
    });
    check("garbage in the tables", Verdict::Fails, |dir| {
        let length = fs::metadata(database(dir)).unwrap().len();
        for page in 1..length / 4096 {
            overwrite(&database(dir), page * 4096, &[0xa5; 64]);
        }
    });
}

#[test]
fn a_damaged_log_costs_what_was_in_it_and_no_more() {
    let log = |roar_dir: &Path| roar_dir.join("roar.db-wal");
    check("log deleted", Verdict::Works(2), |dir| fs::remove_file(log(dir)).unwrap());
    check("log cut", Verdict::Works(2), |dir| truncate(&log(dir), 5000));
    check("log emptied", Verdict::Works(2), |dir| truncate(&log(dir), 0));
    check("garbage for a log", Verdict::Works(2), |dir| overwrite(&log(dir), 0, &[0x55; 4096]));
    check("garbage at the end of the log", Verdict::Works(2), |dir| {
        let length = fs::metadata(log(dir)).unwrap().len();
        overwrite(&log(dir), length - 100, &[0x55; 100]);
    });
}

#[test]
fn the_shared_index_is_made_anew() {
    let index = |roar_dir: &Path| roar_dir.join("roar.db-shm");
    check("index deleted", Verdict::Works(3), |dir| fs::remove_file(index(dir)).unwrap());
    check("garbage for an index", Verdict::Works(3), |dir| overwrite(&index(dir), 0, &[0x55; 32_768]));
}

#[test]
fn a_directory_in_place_of_the_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(DATABASE_NAME)).unwrap();
    let error = Store::open_or_create(directory.path()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(errno(&error), Some(Errno::ISDIR));
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    fs::write(&roar_dir, "").unwrap();
    let error = Store::open_or_create(&roar_dir).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(errno(&error), Some(Errno::NOTDIR));
}

#[test]
fn a_parent_that_is_not_there_is_named() {
    let error = Store::open_or_create(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot access /nowhere/at/all");
    assert_eq!(errno(&error), Some(Errno::NOENT));
}

#[test]
fn a_lock_that_is_not_given_up_is_named_in_time() {
    let (_directory, roar_dir) = store();
    let holder = rusqlite::Connection::open(roar_dir.join(DATABASE_NAME)).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut store = Store::open(&roar_dir).unwrap();
    store.set_busy_timeout(Duration::from_millis(20)).unwrap();
    let error = store.record_job(job("x"), []).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert_eq!(store.jobs(9).unwrap().len(), 2, "reading goes on");
    holder.execute_batch("ROLLBACK").unwrap();
    store.record_job(job("x"), []).unwrap();
}

fn errno(error: &Error) -> Option<Errno> {
    error.source()?.downcast_ref().and_then(Errno::from_io_error)
}

/// A file system of its own, in memory; unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts it; `None`, with a word on why, where that is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = std::ffi::CString::new(format!("size={size}")).unwrap();
        match mount("tmpfs", directory.path(), "tmpfs", MountFlags::empty(), options.as_c_str()) {
            Ok(()) => Some(Self(directory)),
            Err(error) => {
                println!("skipped: mounting a small disk: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.0.path(), UnmountFlags::DETACH).unwrap();
    }
}

#[test]
fn a_full_disk_is_named_with_its_errno_and_the_database_stays_good() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let roar_dir = disk.0.path().join(".roar");
    let mut store = Store::open_or_create(&roar_dir).unwrap();
    store.record_job(job("small"), files(5)).unwrap();
    let error = store.record_job(job("big"), files(20_000)).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
    assert_eq!(errno(&error), Some(Errno::NOSPC));
    assert!(error.to_string().ends_with(".roar/roar.db"), "{error}");
    drop(store);
    let store = Store::open(&roar_dir).unwrap();
    let jobs = store.jobs(9).unwrap();
    assert_eq!(store.report(jobs.last().unwrap().key).unwrap().files.len(), 5);
}

#[test]
fn a_store_cannot_be_made_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount("16k") else {
        return;
    };
    let error = Store::open_or_create(&disk.0.path().join(".roar")).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
}

#[test]
fn a_file_system_that_is_read_only_is_named_with_its_errno() {
    let Some(disk) = SmallDisk::mount("4m") else {
        return;
    };
    let roar_dir = disk.0.path().join(".roar");
    Store::open_or_create(&roar_dir).unwrap().record_job(job("one"), files(5)).unwrap();
    mount_remount(disk.0.path(), MountFlags::RDONLY, "").unwrap();
    let error = Store::open(&roar_dir).and_then(|mut store| store.record_job(job("two"), [])).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    assert_eq!(errno(&error), Some(Errno::ROFS));
    let error = Store::open_or_create(&disk.0.path().join("other")).unwrap_err();
    assert_eq!(errno(&error), Some(Errno::ROFS));
}
