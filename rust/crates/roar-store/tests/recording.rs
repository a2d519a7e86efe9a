//! What is recorded comes back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use roar_store::{
    CachedHash, DATABASE_NAME, EnvUse, Error, GitState, JobContext, JobKind, JobState, NewJob, Package,
    PackageKind, Patch, RACY_WINDOW_NS, ROWS_PER_TRANSACTION, Store, Stream, StreamKind, rfc3339,
};
use sample::{blake3, file, job, updated};
use tempfile::TempDir;
use tracer_schema::{FileRecord, FileStamp, PathBytes, Role};

fn store() -> (TempDir, PathBuf, Store) {
    let directory = tempfile::tempdir().unwrap();
    let roar_dir = directory.path().join(".roar");
    let store = Store::open_or_create(&roar_dir).unwrap();
    (directory, roar_dir, store)
}

#[test]
fn directory_and_files_are_private() {
    let (_directory, roar_dir, mut store) = store();
    store.record_job(job("true"), []).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&roar_dir), 0o700);
    let mut names = vec![];
    for entry in std::fs::read_dir(&roar_dir).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["roar.db", "roar.db-shm", "roar.db-wal"]);
}

#[test]
fn opening_does_not_make_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(&directory.path().join(".roar")).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn steps_count_up_within_the_session_and_the_newest_job_comes_first() {
    let (_directory, roar_dir, mut store) = store();
    assert_eq!(store.session().unwrap(), None);
    let first = store.record_job(job("a"), []).unwrap();
    drop(store);
    let mut store = Store::open(&roar_dir).unwrap();
    let second = store.record_job(job("b"), []).unwrap();
    assert_eq!((first.step, second.step), (1, 2));
    let session = store.session().unwrap().unwrap();
    assert_eq!(session.jobs, 2);
    for jobs in [store.jobs(10).unwrap(), store.jobs_of_session(session.key, 10).unwrap()] {
        assert_eq!(jobs.iter().map(|job| &job.id).collect::<Vec<_>>(), [&second.id, &first.id]);
    }
    assert_eq!(store.jobs(1).unwrap().len(), 1);
    assert_eq!(store.last_job().unwrap().unwrap().id, second.id);
    assert_eq!(store.job_by_step(1).unwrap().unwrap().id, first.id);
    assert_eq!(store.job_by_step(3).unwrap(), None);
}

#[test]
fn a_job_and_what_surrounds_it_come_back() {
    let (_directory, _, mut store) = store();
    let bytes = |text: &str| PathBytes::from(text);
    let context = JobContext {
        labels: vec![("a".into(), "1".into()), ("b".into(), "".into())],
        git: Some(GitState {
            top_level: bytes("/p"),
            commit: Some("c0ffee".into()),
            branch: None,
            remote: Some("git@example.org:p".into()),
            is_dirty: Some(true),
            changed_paths: vec![PathBytes::from(&b"a\xff\n"[..]), bytes("b")],
        }),
        patch: Some(Patch::Left("too large".to_owned())),
        streams: vec![
            Stream { fd: 0, kind: StreamKind::Pipe, path: None, is_append: false },
            Stream { fd: 1, kind: StreamKind::File, path: Some(bytes("/p/log")), is_append: true },
        ],
        packages: vec![
            Package {
                kind: PackageKind::Debian,
                name: "dash".into(),
                version: "0.5".into(),
                arch: "amd64".into(),
            },
            Package {
                kind: PackageKind::Python,
                name: "numpy".into(),
                version: "2.1".into(),
                arch: "".into(),
            },
        ],
        env: vec![
            EnvUse { name: bytes("HOME"), value: Some(bytes("/h")), is_redacted: false },
            EnvUse { name: bytes("TOKEN"), value: None, is_redacted: true },
        ],
    };
    let new = NewJob { kind: JobKind::Build, context: context.clone(), ..job("make all") };
    let recorded = store.record_job(new.clone(), [file("/p/in", Role::Input, 1)]).unwrap();
    assert_eq!(store.context(recorded.key).unwrap(), context);
    let read = store.job(recorded.key).unwrap();
    assert_eq!((read.kind, read.state, read.counts.inputs), (JobKind::Build, JobState::Recorded, 1));
    assert_eq!((read.command, read.cwd, read.exit), (new.command, new.cwd, new.exit));
}

#[test]
fn a_large_job_is_whole_and_stands_as_interrupted_until_it_is_finished() {
    let (_directory, roar_dir, mut store) = store();
    let reader = Store::open(&roar_dir).unwrap();
    let mut writer = store.begin_job(job("big"));
    let count = ROWS_PER_TRANSACTION as u64;
    for at in 0..count - 1 {
        writer.file(file(&format!("/p/{at:06}"), Role::Input, at)).unwrap();
    }
    assert_eq!(reader.jobs(1).unwrap(), []);
    writer.file(file(&format!("/p/{:06}", count - 1), Role::Input, 0)).unwrap();
    assert_eq!(reader.jobs(1).unwrap()[0].state, JobState::Interrupted);
    for at in 0..10 {
        writer.file(file(&format!("/q/{at:06}"), Role::Output, at)).unwrap();
    }
    let done = writer.finish().unwrap();
    let found = &reader.jobs(1).unwrap()[0];
    assert_eq!((found.state, found.counts), (JobState::Recorded, done.counts));
    assert_eq!((done.counts.inputs, done.counts.outputs), (count, 10));
    let files = reader.files(done.key).unwrap();
    assert_eq!(files.len() as u64, count + 10);
    assert!(files.is_sorted_by_key(|file| (file.path.clone(), file.role)));
}

#[test]
fn a_job_that_somebody_deletes_meanwhile_gets_no_more_files() {
    let (_directory, roar_dir, mut store) = store();
    let mut writer = store.begin_job(job("big"));
    for at in 0..ROWS_PER_TRANSACTION as u64 {
        writer.file(file(&format!("/p/{at:06}"), Role::Input, at)).unwrap();
    }
    let conn = rusqlite::Connection::open(roar_dir.join(DATABASE_NAME)).unwrap();
    conn.execute("DELETE FROM job", []).unwrap();
    writer.file(file("/q", Role::Output, 1)).unwrap();
    writer.finish().unwrap_err();
    let broken = conn.query_row("PRAGMA foreign_key_check", [], |_| Ok(()));
    assert_eq!(broken, Err(rusqlite::Error::QueryReturnedNoRows));
}

#[test]
fn a_writer_that_is_dropped_early_leaves_nothing() {
    let (_directory, _, mut store) = store();
    let mut writer = store.begin_job(job("x"));
    writer.file(file("/p/a", Role::Input, 1)).unwrap();
    drop(writer);
    assert_eq!(store.jobs(10).unwrap(), []);
    assert_eq!(store.session().unwrap(), None);
    let broken_off = store.begin_job::<FileRecord>(job("x")).interrupt().unwrap();
    assert_eq!(store.job(broken_off.key).unwrap().state, JobState::Interrupted);
}

#[test]
fn the_same_bytes_under_two_names_are_one_artifact() {
    let (_directory, _, mut store) = store();
    store.record_job(job("cp a b"), [file("/p/a", Role::Input, 7), file("/p/b", Role::Output, 7)]).unwrap();
    store.record_job(job("append b"), [updated("/p/b", 7, 8)]).unwrap();
    let found = store.artifacts_by_prefix(&sample::hex(7)[..7], 10).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].size, &found[0].hashes), (Some(120), &blake3(7)));
    let uses = store.artifact_uses(&found[0], 10).unwrap();
    let uses: Vec<_> = uses
        .iter()
        .map(|found| (found.job.step, found.path.to_string(), found.role, found.is_prior))
        .collect();
    assert_eq!(
        uses,
        [
            (2, "/p/b".to_owned(), Role::Output, true),
            (1, "/p/a".to_owned(), Role::Input, false),
            (1, "/p/b".to_owned(), Role::Output, false),
        ]
    );
    let touches = store.touching(&PathBytes::from("/p/b"), 10).unwrap();
    assert_eq!(touches.iter().map(|touch| touch.job.step).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(touches[0].file, updated("/p/b", 7, 8));
}

#[test]
fn the_size_of_an_earlier_version_is_learnt_when_it_is_met() {
    let (_directory, _, mut store) = store();
    let size = |store: &Store| store.artifacts_by_prefix(&sample::hex(1), 1).unwrap()[0].size;
    store.record_job(job("append"), [updated("/p/a", 1, 2)]).unwrap();
    assert_eq!(size(&store), None);
    store.record_job(job("read"), [file("/p/old", Role::Input, 1)]).unwrap();
    assert_eq!(size(&store), Some(120));
}

#[test]
fn a_session_gives_its_files_to_the_graph_by_numbers() {
    let (_directory, _, mut store) = store();
    let one = store.record_job(job("one"), [file("/p/a", Role::Output, 1)]).unwrap();
    let two = store.record_job(job("two"), [file("/p/a", Role::Input, 1), updated("/p/a", 1, 2)]).unwrap();
    let session = store.session().unwrap().unwrap();
    let mut jobs = store.jobs_of_session(session.key, 10).unwrap();
    jobs.reverse();
    assert_eq!([jobs[0].key, jobs[1].key], [one.key, two.key]);
    for mut second in [None, Some(Store::open(store.path().parent().unwrap()).unwrap())] {
        let uses = store.session_uses(&jobs, second.as_mut()).unwrap();
        let mut paths = vec![Vec::new(); uses.paths_len()];
        store.each_path(&uses, |number, path| paths[number as usize] = path.to_vec()).unwrap();
        assert_eq!(paths, [b"/p/a"]);
        let mut hashes = vec![String::new(); uses.artifacts_len()];
        let set = |number: u32, hash: &[u8], kind| {
            assert_eq!(kind, tracer_schema::NodeKind::File);
            hashes[number as usize] = tracer_schema::to_hex(hash);
        };
        store.each_artifact(&uses, set).unwrap();
        let hash = |artifact: Option<u32>| artifact.map(|number| hashes[number as usize].clone());
        let seen = |place| -> Vec<_> {
            let uses = uses.of_job(place).iter();
            uses.map(|file| (file.role, hash(file.artifact), hash(file.prior_artifact))).collect()
        };
        let hex = |seed| Some(sample::hex(seed));
        assert_eq!(seen(0), [(Role::Output, hex(1), None)]);
        assert_eq!(seen(1), [(Role::Input, hex(1), None), (Role::Output, hex(2), hex(1))]);
    }
}

#[test]
fn the_report_has_hashes_by_the_algorithms_of_its_job_alone() {
    let (_directory, _, mut store) = store();
    let both = |seed| {
        let mut record = file("/p/a", Role::Input, seed);
        record.hash.as_mut().unwrap().insert("md5", &[0x00, 0xff]);
        record
    };
    let plain = store.record_job(job("plain"), [file("/p/a", Role::Input, 1)]).unwrap();
    let new = NewJob { hash_algorithms: vec!["blake3".into(), "md5".into()], ..job("both") };
    let more = store.record_job(new, [both(1)]).unwrap();
    assert_eq!(store.report(plain.key).unwrap().files, [file("/p/a", Role::Input, 1)]);
    assert_eq!(store.report(more.key).unwrap().files, [both(1)]);
    assert_eq!(
        store.artifacts_by_prefix("00ff", 9).unwrap(),
        store.artifacts_by_prefix(&sample::hex(1), 9).unwrap()
    );
}

fn stamp(mtime_ns: i64, ctime_ns: i64) -> FileStamp {
    FileStamp { dev: u64::MAX, ino: 7, size: 10, mtime_ns, ctime_ns, ..FileStamp::default() }
}

#[test]
fn a_hash_is_remembered_for_its_very_stamp() {
    let (_directory, _, mut store) = store();
    let at = 1_000_000_000_000;
    store
        .hash_cache_put(&[CachedHash { stamp: stamp(1, 2), hashed_at_unix_ns: at, hashes: blake3(1) }])
        .unwrap();
    let same_but_mode = FileStamp { mode: 0o100_600, nlink: 3, ..stamp(1, 2) };
    let others = [
        FileStamp { dev: 1, ..stamp(1, 2) },
        FileStamp { ino: 8, ..stamp(1, 2) },
        FileStamp { size: 11, ..stamp(1, 2) },
        stamp(2, 2),
        stamp(1, 3),
    ];
    assert_eq!(
        store.hash_cache_lookup(&[stamp(1, 2), same_but_mode]).unwrap(),
        [Some(blake3(1)), Some(blake3(1))]
    );
    assert_eq!(store.hash_cache_lookup(&others).unwrap(), vec![None; 5]);
}

#[test]
fn a_hash_taken_too_soon_after_a_change_is_not_trusted() {
    let (_directory, _, mut store) = store();
    let changed = 1_000_000_000_000;
    let mut trusted = |mtime_ns, ctime_ns, hashed_at_unix_ns| {
        let stamp = stamp(mtime_ns, ctime_ns);
        store.hash_cache_put(&[CachedHash { stamp, hashed_at_unix_ns, hashes: blake3(1) }]).unwrap();
        store.hash_cache_lookup(&[stamp]).unwrap()[0].is_some()
    };
    assert!(trusted(changed, changed, changed + RACY_WINDOW_NS));
    assert!(!trusted(changed, changed, changed + RACY_WINDOW_NS - 1));
    assert!(!trusted(0, changed, changed + RACY_WINDOW_NS - 1), "mtime can be set back, ctime cannot");
    assert!(!trusted(changed, 0, changed));
    assert!(!trusted(changed, changed, changed - 1), "a clock that runs behind");
    assert!(!trusted(i64::MAX, i64::MAX, changed), "a stamp from the far future");
}

#[test]
fn a_hash_is_remembered_with_the_job() {
    let (_directory, _, mut store) = store();
    let mut writer = store.begin_job::<FileRecord>(job("x"));
    let hash = CachedHash { stamp: stamp(1, 1), hashed_at_unix_ns: i64::MAX, hashes: blake3(3) };
    writer.remember_hash(hash);
    writer.finish().unwrap();
    assert_eq!(store.hash_cache_lookup(&[stamp(1, 1)]).unwrap(), [Some(blake3(3))]);
}

#[test]
fn packages_are_remembered_under_the_stamp_of_their_database() {
    let (_directory, _, mut store) = store();
    let kind = PackageKind::Debian;
    let dash = Package { kind, name: "dash".into(), version: "0.5".into(), arch: "amd64".into() };
    let [sh, mine, other] = ["/bin/sh", "/p/mine", "/bin/other"].map(PathBytes::from);
    let put = [(sh.clone(), Some(dash.clone())), (mine.clone(), None)];
    store.package_cache_put(kind, "monday", &put).unwrap();
    let paths = [sh, mine, other];
    assert_eq!(
        store.package_cache_lookup(kind, "monday", &paths).unwrap(),
        [Some(Some(dash)), Some(None), None]
    );
    assert_eq!(store.package_cache_lookup(kind, "tuesday", &paths).unwrap(), [None, None, None]);
    assert_eq!(
        store.package_cache_lookup(PackageKind::Python, "monday", &paths).unwrap(),
        [None, None, None]
    );
}

#[test]
fn the_report_says_when_the_job_began() {
    let (_directory, _, mut store) = store();
    let done = store.record_job(job("x"), []).unwrap();
    let report = store.report(done.key).unwrap();
    assert_eq!(report.started_at, "2026-01-31T12:00:00.123456789Z");
    assert_eq!(report.started_at, rfc3339(job("x").started_unix_ns));
}

#[test]
fn a_job_that_is_recorded_anew_keeps_its_id_and_number_and_nothing_of_before() {
    let (_directory, _, mut store) = store();
    let first = store.record_job(job("a"), [file("/before", Role::Output, 1)]).unwrap();
    let second = store.record_job(job("b"), []).unwrap();
    let replaced = store.job(first.key).unwrap();
    let mut writer = store.begin_job(job("a"));
    writer.replace(replaced);
    writer.file(file("/after", Role::Output, 2)).unwrap();
    let anew = writer.finish().unwrap();
    assert_eq!((&anew.id, anew.step), (&first.id, first.step));
    let jobs = store.jobs(10).unwrap();
    assert_eq!(jobs.iter().map(|job| &job.id).collect::<Vec<_>>(), [&first.id, &second.id]);
    let files: Vec<_> = store.files(anew.key).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(files, [PathBytes::from("/after")]);
    assert_eq!(store.record_job(job("c"), []).unwrap().step, 3);
}
