//! Whatever a report says comes back word for word.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use roar_store::{JobContext, JobKind, NewJob, Store, rfc3339};
use tracer_schema::report::RUN_REPORT_FORMAT;
use tracer_schema::{
    Act, Coverage, EventKind, Exit, FellBack, FileRecord, Gap, GapKind, Hashes, Lookups, NodeKind, PathBytes,
    Prior, ProcessRecord, Role, RunReport, TracerStats,
};

/// Any bytes but NUL.
fn bytes() -> impl Strategy<Value = PathBytes> {
    vec(1_u8..=255, 0..12).prop_map(PathBytes)
}

fn exit() -> impl Strategy<Value = Option<Exit>> {
    let code = (0..256).prop_map(|code| Exit::Code { code });
    let signal = (1..65, any::<bool>()).prop_map(|(signal, core)| Exit::Signal { signal, core });
    option::of(prop_oneof![code, signal])
}

fn hashes() -> impl Strategy<Value = Option<Hashes>> {
    option::of(any::<[u8; 32]>().prop_map(|hash| [("blake3", hash)].into_iter().collect()))
}

prop_compose! {
    fn process()(
        ids in (any::<u32>(), any::<Option<u32>>()),
        texts in (bytes(), vec(bytes(), 0..4), bytes()),
        times in (any::<u64>(), any::<Option<u64>>()),
        exit in exit(),
    ) -> ProcessRecord {
        let ((pid, parent), (exe, argv, cwd), (started_ns, ended_ns)) = (ids, texts, times);
        ProcessRecord { pid, parent, exe, argv, cwd, started_ns, ended_ns, exit }
    }
}

prop_compose! {
    fn gap()(
        kind in prop::sample::select(GapKind::ALL),
        pid in any::<u32>(),
        path in option::of(bytes()),
        detail in ".*",
    ) -> Gap {
        Gap { kind, pid, path, detail }
    }
}

prop_compose! {
    fn act()(kind in prop::sample::select(EventKind::ALL), pid in any::<u32>(), time_ns in any::<u64>()) -> Act {
        Act { kind, pid, time_ns }
    }
}

prop_compose! {
    fn file()(
        path in bytes(),
        role in prop::sample::select(vec![Role::Input, Role::Output, Role::Temporary, Role::Deleted]),
        flags in any::<[bool; 6]>(),
        prior in option::of(prop::sample::select(vec![Prior::Kept, Prior::Replaced])),
        kind in prop::sample::select(vec![NodeKind::File, NodeKind::Symlink]),
        renamed_from in option::of(bytes()),
        numbers in any::<[Option<u64>; 3]>(),
        pids in vec(any::<u32>(), 0..4),
        (hash, prior_hash) in (hashes(), hashes()),
        note in option::of(".*"),
        first in option::of(act()),
        since_unix_ns in option::of(any::<i64>()),
    ) -> FileRecord {
        let [read, written, executed, created, deleted, filtered] = flags;
        let [bytes_read, bytes_written, size] = numbers;
        FileRecord {
            path, role, read, written, executed, created, deleted, prior, kind, renamed_from, bytes_read,
            bytes_written, pids, size, hash, prior_hash, filtered, note, first,
            since_unix_ns,
        }
    }
}

prop_compose! {
    fn job()(
        command in vec(bytes(), 1..4),
        (cwd, backend, mode) in (bytes(), ".*", ".*"),
        root_pid in any::<u32>(),
        started_unix_ns in any::<i64>(),
        numbers in any::<[u64; 4]>(),
        exit in exit(),
        gaps in vec(gap(), 0..3),
        processes in vec(process(), 0..3),
        fell_back_from in vec(
            (".*", ".*").prop_map(|(backend, reason)| FellBack { backend, reason }),
            0..3,
        ),
        complete in any::<bool>(),
    ) -> NewJob {
        let [duration_ns, events_lost, events, overhead_ns] = numbers;
        NewJob {
            kind: JobKind::Run,
            command, cwd, backend, root_pid, started_unix_ns, duration_ns, exit, processes,
            coverage: Coverage { complete, events_lost, gaps },
            tracer: TracerStats { events, overhead_ns, fell_back_from, mode },
            hash_algorithms: vec!["blake3".to_owned()],
            context: JobContext::default(),
            rerun_of: None,
            began_unix_ns: None,
        }
    }
}

fn report(job: NewJob, mut files: Vec<FileRecord>) -> RunReport {
    files.sort_by(|a, b| (&a.path, a.role).cmp(&(&b.path, b.role)));
    RunReport {
        format: RUN_REPORT_FORMAT.to_owned(),
        backend: job.backend,
        command: job.command,
        cwd: job.cwd,
        root_pid: job.root_pid,
        started_at: rfc3339(job.started_unix_ns),
        duration_ns: job.duration_ns,
        exit: job.exit,
        coverage: job.coverage,
        processes: job.processes,
        files,
        tasks: Vec::new(),
        objects: vec![],
        looked_up: Lookups::default(),
        tracer: job.tracer,
    }
}

proptest! {
    // A database costs an fsync.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_report_comes_back(jobs in vec((job(), vec(file(), 0..8)), 1..4)) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open_or_create(&directory.path().join(".roar")).unwrap();
        for (job, files) in jobs {
            let done = store.record_job(job.clone(), files.clone()).unwrap();
            prop_assert_eq!(store.report(done.key).unwrap(), report(job, files));
        }
    }
}
