//! Jobs and files to record.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test program uses its own part of this"
)]

use roar_store::{JobContext, JobKind, NewJob};
use tracer_schema::{
    Coverage, Exit, FileRecord, Hashes, NodeKind, PathBytes, Prior, ProcessRecord, Role, TracerStats,
};

/// Returns a job of one process.
pub fn job(command: &str) -> NewJob {
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
        coverage: Coverage {
            complete: true,
            events_lost: 0,
            gaps: vec![],
        },
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
    }
}

/// Returns a file with a hash made of its seed.
pub fn file(path: &str, role: Role, seed: u64) -> FileRecord {
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
    }
}

/// Returns an output that was there before.
pub fn updated(path: &str, prior_seed: u64, seed: u64) -> FileRecord {
    FileRecord {
        created: false,
        prior: Some(Prior::Kept),
        prior_hash: Some(blake3(prior_seed)),
        ..file(path, Role::Output, seed)
    }
}

/// Returns a hash that depends on nothing but the seed, and looks like one.
pub fn blake3(seed: u64) -> Hashes {
    Hashes::from([("blake3".to_owned(), hex(seed))])
}

/// Returns 64 digits; seeds that differ give digits that differ from the first on.
pub fn hex(seed: u64) -> String {
    // The steps of SplitMix64.
    let word = |at: u64| {
        let mut word = (seed * 4 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", word ^ (word >> 31))
    };
    (0..4).map(word).collect()
}
