//! `hash_files` on real files: kinds, versions, changes under way, threads, the cache.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helper functions may fail the test")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use roar_hash::{Algorithm, HashCache, Monitor, NoCache, Outcome, Request, Unwatched, hash_files, stamp_at};
use tempfile::TempDir;
use tracer_schema::{FileStamp, Hashes, NodeKind, to_hex};

const MIB: usize = 1 << 20;

fn file(path: &Path) -> Request<'_> {
    Request { path, expect: None, kind: NodeKind::File, moved: false }
}

fn stamp(path: &Path) -> FileStamp {
    stamp_at(path).unwrap().unwrap()
}

/// Returns the outcomes in the order of the requests; each must come exactly once.
fn hash_all(
    requests: &[Request<'_>],
    algorithms: &[Algorithm],
    cache: &dyn HashCache,
    monitor: &dyn Monitor,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = requests.iter().map(|_| None).collect();
    let mut each =
        |index: usize, outcome| assert!(outcomes[index].replace(outcome).is_none(), "{index} came twice");
    hash_files(requests, algorithms, cache, &mut each, monitor);
    outcomes.into_iter().map(|outcome| outcome.expect("every request has an outcome")).collect()
}

fn hash_one(request: Request<'_>) -> Outcome {
    hash_all(&[request], &[], &NoCache, &Unwatched).remove(0)
}

fn blake3_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Hashed { hashes, .. } => to_hex(hashes.get("blake3").unwrap()),
        Outcome::Changed { .. } | Outcome::Gone | Outcome::Unreadable { .. } => {
            panic!("not hashed: {outcome:?}")
        }
    }
}

fn content(bytes: usize, seed: usize) -> Vec<u8> {
    (0..bytes).map(|at| ((at + seed) % 251) as u8).collect()
}

fn write(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn a_file_of_any_length_has_the_hash_of_its_bytes() {
    let folder = TempDir::new().unwrap();
    for bytes in [0, 1, 1024, 1025, 128 << 10, (128 << 10) + 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 7] {
        let content = content(bytes, 0);
        let path = write(&folder, "x", &content);
        let [outcome] = &hash_all(&[file(&path)], Algorithm::ALL, &NoCache, &Unwatched)[..] else { panic!() };
        let Outcome::Hashed { hashes, stamp, from_cache: false, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(hashes.get("blake3"), Some(&blake3::hash(&content).as_bytes()[..]), "{bytes}");
        assert_eq!(
            hashes.get("sha256"),
            Some(&<sha2::Sha256 as sha2::Digest>::digest(&content)[..]),
            "{bytes}"
        );
        assert_eq!(hashes.get("md5"), Some(&<md5::Md5 as sha2::Digest>::digest(&content)[..]), "{bytes}");
        assert_eq!(stamp.size, bytes as u64);
    }
}

#[test]
fn the_content_of_a_symbolic_link_is_its_target_text() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("link");
    symlink("nowhere/at all", &link).unwrap();
    let as_link = hash_one(Request { kind: NodeKind::Symlink, ..file(&link) });
    assert_eq!(blake3_of(&as_link), blake3::hash(b"nowhere/at all").to_string());
    let Outcome::Changed { now } = hash_one(file(&link)) else { panic!("a link is not a file") };
    assert!(now.is_symlink());
}

#[test]
fn what_is_not_a_regular_file_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    for path in [fifo.as_path(), folder.path(), Path::new("/dev/null")] {
        assert!(matches!(hash_one(file(path)), Outcome::Changed { .. }), "{path:?}");
    }
}

#[test]
fn a_missing_file_is_gone_and_an_impossible_one_unreadable() {
    let folder = TempDir::new().unwrap();
    let plain = write(&folder, "plain", b"x");
    for path in [folder.path().join("none"), plain.join("below-a-file")] {
        assert!(matches!(hash_one(file(&path)), Outcome::Gone), "{path:?}");
    }
    let too_long = folder.path().join("n".repeat(300));
    assert!(matches!(hash_one(file(&too_long)), Outcome::Unreadable { .. }));
}

#[test]
fn another_version_than_expected_is_changed_and_says_what_is_there() {
    let folder = TempDir::new().unwrap();
    for bytes in [10, 9 * MIB] {
        let path = write(&folder, "x", &content(bytes, 0));
        let expect = Some(stamp(&path));
        fs::remove_file(&path).unwrap();
        let other = write(&folder, "x", &content(bytes, 0));
        let Outcome::Changed { now } = hash_one(Request { expect, ..file(&path) }) else { panic!() };
        assert_eq!(now, stamp(&other));
    }
}

#[test]
fn a_chmod_is_no_change_and_a_rename_only_if_the_run_did_not_do_it() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "x", b"content");
    let old_times = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(60));
    File::options().write(true).open(&path).unwrap().set_times(old_times).unwrap();
    let seen = FileStamp { ctime_ns: 1, ..stamp(&path) };
    let request = |moved, mode| Request { expect: Some(FileStamp { mode, ..seen }), moved, ..file(&path) };
    assert!(matches!(hash_one(request(false, seen.mode)), Outcome::Changed { .. }));
    assert!(matches!(hash_one(request(true, seen.mode)), Outcome::Hashed { .. }));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(hash_one(request(false, 0o100_644)), Outcome::Hashed { .. }));
}

/// Does something to the file when the first bytes have been read.
struct Meddler<'a> {
    meddle: &'a (dyn Fn() + Sync),
    is_done: AtomicBool,
}

impl Monitor for Meddler<'_> {
    fn add_total(&self, _bytes: u64) {}

    fn add_done(&self, _bytes: u64) {
        if !self.is_done.swap(true, Ordering::SeqCst) {
            (self.meddle)();
        }
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x");
    let open = || OpenOptions::new().append(true).open(&path).unwrap();
    let append = || open().write_all(b"more").unwrap();
    let truncate = || open().set_len(3).unwrap();
    let rewrite = || {
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(b"same length").unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    for bytes in [100, MIB, 9 * MIB] {
        for meddle in [&append as &(dyn Fn() + Sync), &truncate, &rewrite] {
            fs::write(&path, content(bytes, 0)).unwrap();
            let meddler = Meddler { meddle, is_done: AtomicBool::new(false) };
            let outcome = hash_all(&[file(&path)], Algorithm::ALL, &NoCache, &meddler).remove(0);
            let Outcome::Changed { now } = outcome else { panic!("{bytes}: {outcome:?}") };
            // Not the times: a file system may set them once more at the end of a truncation.
            assert_eq!(now.ino, stamp(&path).ino);
        }
    }
}

#[derive(Default)]
struct Counter {
    total: AtomicU64,
    done: AtomicU64,
    threads: Mutex<Vec<ThreadId>>,
}

impl Monitor for Counter {
    fn add_total(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::SeqCst);
    }

    fn add_done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::SeqCst);
        self.threads.lock().unwrap().push(thread::current().id());
    }
}

#[test]
fn many_files_large_and_small_come_out_once_each_with_their_own_hash() {
    let folder = TempDir::new().unwrap();
    let sizes = (0..300).map(|number| if number % 100 == 7 { 9 * MIB + number } else { number * 53 });
    let contents: Vec<_> = sizes.enumerate().map(|(number, bytes)| content(bytes, number)).collect();
    let name = |(number, content): (usize, &Vec<u8>)| write(&folder, &number.to_string(), content);
    let paths: Vec<_> = contents.iter().enumerate().map(name).collect();
    for is_expected in [false, true] {
        let request = |path: &PathBuf| is_expected.then(|| stamp(path));
        let requests: Vec<_> =
            paths.iter().map(|path| Request { expect: request(path), ..file(path) }).collect();
        let counter = Counter::default();
        let outcomes = hash_all(&requests, &[Algorithm::Sha256], &NoCache, &counter);
        for (outcome, content) in outcomes.iter().zip(&contents) {
            assert_eq!(blake3_of(outcome), blake3::hash(content).to_string());
        }
        let bytes: usize = contents.iter().map(Vec::len).sum();
        assert_eq!(counter.total.into_inner(), bytes as u64);
        assert_eq!(counter.done.into_inner(), bytes as u64);
    }
}

#[test]
fn a_few_small_files_start_no_thread() {
    let folder = TempDir::new().unwrap();
    let paths: Vec<_> = (0..20).map(|number| write(&folder, &number.to_string(), b"small")).collect();
    let requests: Vec<_> = paths.iter().map(|path| file(path)).collect();
    let counter = Counter::default();
    hash_all(&requests, &[], &NoCache, &counter);
    let threads = counter.threads.into_inner().unwrap();
    assert!(threads.len() >= 20 && threads.iter().all(|thread| *thread == thread::current().id()));
}

#[test]
fn reading_leaves_the_access_time_alone() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "x", b"content");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_times(FileTimes::new().set_accessed(long_ago))
        .unwrap();
    assert!(matches!(hash_one(file(&path)), Outcome::Hashed { .. }));
    assert_eq!(fs::metadata(&path).unwrap().atime(), 1_000_000);
}

#[test]
fn a_path_longer_than_path_max_and_one_that_is_not_text_are_read() {
    let folder = TempDir::new().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"\xff\xfe"));
    fs::write(&odd, b"odd").unwrap();
    assert_eq!(blake3_of(&hash_one(file(&odd))), blake3::hash(b"odd").to_string());

    let (mode, name) = (rustix::fs::Mode::RWXU, "d".repeat(200));
    let flags = rustix::fs::OFlags::DIRECTORY;
    let mut path = folder.path().to_owned();
    let mut directory = rustix::fs::open(&path, flags, mode).unwrap();
    for _ in 0..70 {
        rustix::fs::mkdirat(&directory, &name, mode).unwrap();
        directory = rustix::fs::openat(&directory, &name, flags, mode).unwrap();
        path.push(&name);
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let deep = rustix::fs::openat(&directory, "deep", flags, mode).unwrap();
    File::from(deep).write_all(b"deep").unwrap();
    path.push("deep");
    assert!(path.as_os_str().len() > 3 * 4096);
    assert_eq!(blake3_of(&hash_one(file(&path))), blake3::hash(b"deep").to_string());
    assert!(matches!(hash_one(file(&path.with_file_name("none"))), Outcome::Gone));
}

#[derive(Default)]
struct Memory(RefCell<HashMap<FileStamp, Hashes>>);

impl HashCache for Memory {
    fn lookup(&self, stamp: &FileStamp) -> Option<Hashes> {
        self.0.borrow().get(stamp).cloned()
    }
}

#[test]
fn a_known_version_is_not_read_again_unless_it_changed_or_an_algorithm_is_missing() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "x", b"content");
    let from_cache = [7; 32];
    let known = [("blake3", from_cache)].into_iter().collect();
    let cache = Memory::default();
    cache.0.borrow_mut().insert(stamp(&path), known);
    let expect = Some(stamp(&path));
    for request in [file(&path), Request { expect, ..file(&path) }] {
        let outcome = hash_all(&[request], &[Algorithm::Blake3], &cache, &Unwatched).remove(0);
        assert!(matches!(outcome, Outcome::Hashed { from_cache: true, .. }));
        assert_eq!(blake3_of(&outcome), to_hex(&from_cache));
        let outcome = hash_all(&[request], &[Algorithm::Md5], &cache, &Unwatched).remove(0);
        assert!(matches!(outcome, Outcome::Hashed { from_cache: false, .. }));
    }
    fs::write(&path, b"other content").unwrap();
    let outcome = hash_all(&[Request { expect, ..file(&path) }], &[], &cache, &Unwatched).remove(0);
    assert!(matches!(outcome, Outcome::Changed { .. }));
}

#[test]
fn only_a_file_at_rest_is_settled() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "x", b"just written");
    assert!(matches!(hash_one(file(&path)), Outcome::Hashed { is_settled: false, .. }));
    let at_rest = Path::new("/etc/hostname");
    assert!(matches!(hash_one(file(at_rest)), Outcome::Hashed { is_settled: true, .. } | Outcome::Gone));
}
