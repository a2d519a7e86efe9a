//! Jobs and files to record.

use roar_store::{
    EnvUse, GitState, JobContext, JobKind, NewJob, Package, PackageKind, Patch, Stream, StreamKind,
};
use tracer_schema::{
    Act, Coverage, EventKind, Exit, FellBack, FileRecord, Gap, GapKind, Hashes, NodeKind, PathBytes, Prior,
    ProcessRecord, Role, TracerStats, from_hex,
};

/// Returns a job of one process.
pub(crate) fn job(command: &str) -> NewJob {
    let argv: Vec<PathBytes> = command.split(' ').map(PathBytes::from).collect();
    NewJob {
        kind: JobKind::Run,
        command: argv.clone(),
        cwd: PathBytes::from("/p"),
        backend: "ptrace".to_owned(),
        root_pid: 4242,
        started_unix_ns: 1_769_860_800_123_456_789,
        duration_ns: 81_234_567,
        exit: Some(Exit::Code { code: 0 }),
        coverage: Coverage { complete: true, events_lost: 0, gaps: vec![] },
        processes: vec![ProcessRecord {
            pid: 4242,
            parent: None,
            exe: PathBytes::from("/usr/bin/dash"),
            argv,
            cwd: PathBytes::from("/p"),
            started_ns: 0,
            ended_ns: Some(81_000_000),
            exit: Some(Exit::Code { code: 0 }),
        }],
        tracer: TracerStats {
            events: 812,
            overhead_ns: 190_000,
            fell_back_from: vec![],
            mode: "seccomp".to_owned(),
        },
        hash_algorithms: vec!["blake3".to_owned()],
        context: JobContext::default(),
        rerun_of: None,
        began_unix_ns: None,
    }
}

/// Returns a file with a hash made of its seed.
pub(crate) fn file(path: &str, role: Role, seed: u64) -> FileRecord {
    let is_output = role == Role::Output;
    FileRecord {
        path: PathBytes::from(path),
        role,
        read: !is_output,
        written: is_output,
        executed: false,
        created: is_output,
        deleted: false,
        prior: None,
        kind: NodeKind::File,
        renamed_from: None,
        bytes_read: Some(120),
        bytes_written: Some(0),
        pids: vec![4242],
        size: Some(120),
        hash: Some(blake3(seed)),
        prior_hash: None,
        filtered: false,
        note: None,
        first: None,
        since_unix_ns: None,
    }
}

/// Returns an output that was there before.
pub(crate) fn updated(path: &str, prior_seed: u64, seed: u64) -> FileRecord {
    FileRecord {
        created: false,
        prior: Some(Prior::Kept),
        prior_hash: Some(blake3(prior_seed)),
        ..file(path, Role::Output, seed)
    }
}

/// Returns a hash that depends on nothing but the seed, and looks like one.
pub(crate) fn blake3(seed: u64) -> Hashes {
    [("blake3", from_hex(&hex(seed)).unwrap())].into_iter().collect()
}

/// Returns 64 digits; seeds that differ give digits that differ from the first on.
pub(crate) fn hex(seed: u64) -> String {
    // The steps of SplitMix64.
    let word = |at: u64| {
        let mut word = (seed * 4 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", word ^ (word >> 31))
    };
    (0..4).map(word).collect()
}

/// Returns jobs that have something in every column.
pub(crate) fn jobs() -> Vec<(NewJob, Vec<FileRecord>)> {
    let mut first = job("sort in.csv");
    first.context = JobContext {
        labels: vec![("stage".to_owned(), "prepare".to_owned())],
        git: Some(GitState {
            top_level: PathBytes::from("/p"),
            commit: Some("5d41402abc4b2a76b9719d911017c592aaf4c61d".to_owned()),
            branch: Some("main".to_owned()),
            remote: Some("https://example.org/p.git".to_owned()),
            is_dirty: Some(true),
            changed_paths: vec![PathBytes::from(&b"notes\xff"[..])],
        }),
        patch: Some(Patch::Kept(b"diff --git a/notes b/notes\n".to_vec())),
        streams: vec![Stream {
            fd: 1,
            kind: StreamKind::File,
            path: Some(PathBytes::from("/p/out")),
            is_append: true,
        }],
        packages: vec![Package {
            kind: PackageKind::Debian,
            name: "coreutils".to_owned(),
            version: "9.7-3".to_owned(),
            arch: "amd64".to_owned(),
        }],
        env: vec![EnvUse { name: PathBytes::from("API_TOKEN"), value: None, is_redacted: true }],
    };
    first.hash_algorithms.push("md5".to_owned());
    let mut input = file("/p/in.csv", Role::Input, 1);
    input.hash.get_or_insert_default().insert("md5", &from_hex(&hex(9)[..32]).unwrap());
    let link = FileRecord {
        kind: NodeKind::Symlink,
        renamed_from: Some(PathBytes::from(&b"/p/\xfe"[..])),
        bytes_read: None,
        bytes_written: Some(u64::MAX),
        filtered: true,
        ..file("/p/latest", Role::Output, 2)
    };
    let gone = FileRecord {
        note: Some("gone".to_owned()),
        hash: None,
        size: None,
        executed: true,
        deleted: true,
        first: Some(Act { kind: EventKind::Unlink, pid: 4242, time_ns: 7 }),
        pids: vec![],
        ..file("/p/old", Role::Deleted, 3)
    };

    let mut second = job("train --epochs 3");
    second.kind = JobKind::Build;
    second.exit = Some(Exit::Signal { signal: 11, core: true });
    second.coverage = Coverage {
        complete: false,
        events_lost: 17,
        gaps: vec![Gap {
            kind: GapKind::StaticProgram,
            pid: 4243,
            path: Some(PathBytes::from("/p/tool")),
            detail: "a static program cannot be entered".to_owned(),
        }],
    };
    second.tracer.fell_back_from =
        vec![FellBack { backend: "ebpf".to_owned(), reason: "no permission".to_owned() }];
    second.processes.push(ProcessRecord {
        pid: 4243,
        parent: Some(4242),
        exe: PathBytes::from("/p/tool"),
        argv: vec![PathBytes::from("tool"), PathBytes::from("")],
        cwd: PathBytes::from("/p/work"),
        started_ns: 5,
        ended_ns: None,
        exit: None,
    });
    vec![(first, vec![input, link, gone]), (second, vec![updated("/p/in.csv", 1, 4)])]
}
