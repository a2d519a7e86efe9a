//! The formats as they are written down for good: the bytes in `golden/` decode to the values said here, and these encode
//! to the same bytes. A change that fails here changes a format, and needs a new number and new files beside the old.

use std::collections::BTreeSet;
use std::fs;
use std::mem::offset_of;

use tracer_schema::event::{FRAME_BYTES, WIRE_VERSION};
use tracer_schema::report::{RUN_REPORT_FORMAT, TRACER_REPORT_VERSION};
use tracer_schema::stream::{Item, Reader, put_text};
use tracer_schema::{
    Coverage, EventFlags, EventKind, Exit, FellBack, FileRecord, FileStamp, FileSummary, Gap, GapKind,
    Hashes, NodeKind, PathBytes, Prior, ProcessRecord, Role, RunReport, TextId, TraceEvent, TracerReport,
    TracerStats,
};

/// Makes a test of each golden file, and the list of all of them.
macro_rules! goldens {
    ($($test:ident => $file:literal, $check:ident;)+) => {
        const FILES: &[&str] = &[$($file),+];

        $(
            #[test]
            fn $test() {
                $check(include_bytes!(concat!("../golden/", $file)));
            }
        )+
    };
}

goldens! {
    frames_of_every_kind_are_those_of_wire_version_1 => "wire-1-frames.bin", check_frames;
    a_stream_with_texts_is_that_of_wire_version_1 => "wire-1-stream.bin", check_stream;
    a_tracer_report_is_that_of_version_1 => "tracer-report-1.msgpack", check_tracer_report;
    a_run_report_is_that_of_version_1 => "run-report-1.json", check_run_report;
}

#[test]
fn every_golden_file_is_read_by_a_test() {
    let entries = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).unwrap();
    let there: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let read: BTreeSet<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    assert_eq!(there, read);
}

/// The kinds in the order of their numbers, which begin with 1.
const KINDS: &[EventKind] = &[
    EventKind::Text,
    EventKind::Start,
    EventKind::Fork,
    EventKind::Exec,
    EventKind::Directory,
    EventKind::Exit,
    EventKind::Seen,
    EventKind::Open,
    EventKind::Close,
    EventKind::CloseRange,
    EventKind::Duplicate,
    EventKind::CloseOnExec,
    EventKind::Receive,
    EventKind::Read,
    EventKind::Write,
    EventKind::MapRead,
    EventKind::MapWrite,
    EventKind::Truncate,
    EventKind::Allocate,
    EventKind::Create,
    EventKind::Rename,
    EventKind::Link,
    EventKind::Symlink,
    EventKind::Unlink,
    EventKind::Execute,
    EventKind::Gap,
    EventKind::Found,
    EventKind::End,
    EventKind::Absent,
    EventKind::Listed,
];

#[test]
fn kinds_and_flags_have_the_numbers_of_wire_version_1() {
    assert_eq!(WIRE_VERSION, 1);
    assert_eq!(EventKind::ALL, KINDS);
    let flags = [
        EventFlags::EXISTED,
        EventFlags::THREAD,
        EventFlags::SHARED_FILES,
        EventFlags::CLOEXEC,
        EventFlags::EXCHANGE,
        EventFlags::UNCOUNTED,
        EventFlags::NAMELESS,
    ];
    assert_eq!(flags.map(|flags| flags.0), [1, 2, 4, 8, 16, 32, 64]);
    let gaps = [
        "events_lost",
        "static_program",
        "privileged_program",
        "io_uring",
        "descendant_left",
        "tracer_died",
        "unresolved_path",
        "seccomp_listener",
        "untraced_process",
        "unlisted_directory",
        "undecoded_call",
        "raw_calls",
        "unseen_objects",
    ];
    for (number, name) in (1..).zip(gaps) {
        assert_eq!(GapKind::from_number(number).map(GapKind::name), Some(name));
    }
    assert_eq!(GapKind::ALL.len(), gaps.len());
}

#[test]
fn every_field_is_where_wire_version_1_has_it() {
    let event = [
        (offset_of!(TraceEvent, time_ns), 0),
        (offset_of!(TraceEvent, pid), 8),
        (offset_of!(TraceEvent, tid), 12),
        (offset_of!(TraceEvent, kind), 16),
        (offset_of!(TraceEvent, flags), 17),
        (offset_of!(TraceEvent, reserved), 18),
        (offset_of!(TraceEvent, fd), 20),
        (offset_of!(TraceEvent, text), 24),
        (offset_of!(TraceEvent, text2), 28),
        (offset_of!(TraceEvent, value), 32),
        (offset_of!(TraceEvent, value2), 40),
        (offset_of!(TraceEvent, stamp), 48),
        (size_of::<TraceEvent>(), 96),
        (align_of::<TraceEvent>(), 8),
        (FRAME_BYTES, 96),
    ];
    let stamp = [
        (offset_of!(FileStamp, dev), 0),
        (offset_of!(FileStamp, ino), 8),
        (offset_of!(FileStamp, size), 16),
        (offset_of!(FileStamp, mtime_ns), 24),
        (offset_of!(FileStamp, ctime_ns), 32),
        (offset_of!(FileStamp, mode), 40),
        (offset_of!(FileStamp, nlink), 44),
        (size_of::<FileStamp>(), 48),
    ];
    for (found, expected) in event.into_iter().chain(stamp) {
        assert_eq!(found, expected);
    }
}

/// An event in which each field has bytes of its own.
fn event_of(kind: EventKind) -> TraceEvent {
    let number = kind as u8;
    let (narrow, wide) = (u32::from(number), u64::from(number));
    TraceEvent {
        time_ns: 0x1112_1314_1516_1700 + wide,
        pid: 0x2122_2300 + narrow,
        tid: 0x3132_3300 + narrow,
        kind,
        flags: EventFlags(0x40 + number),
        reserved: 0x4200 + u16::from(number),
        fd: -(0x0102_0300 + i32::from(number)),
        text: TextId(0x5152_5300 + narrow),
        text2: TextId(0x6162_6300 + narrow),
        value: 0x7172_7374_7576_7700 + wide,
        value2: 0x8182_8384_8586_8700 + wide,
        stamp: FileStamp {
            dev: 0x9192_9394_9596_9700 + wide,
            ino: 0xa1a2_a3a4_a5a6_a700 + wide,
            size: 0xb1b2_b3b4_b5b6_b700 + wide,
            mtime_ns: -(0x0102_0304_0506_0700 + i64::from(number)),
            ctime_ns: 0x0203_0405_0607_0800 + i64::from(number),
            mode: 0xc1c2_c300 + narrow,
            nlink: 0xd1d2_d300 + narrow,
        },
    }
}

fn check_frames(golden: &[u8]) {
    let (frames, []) = golden.as_chunks::<FRAME_BYTES>() else {
        panic!("the file is not whole frames");
    };
    assert_eq!(frames.len(), KINDS.len());
    for (frame, kind) in frames.iter().zip(KINDS) {
        let event = event_of(*kind);
        assert_eq!(TraceEvent::from_frame(frame), Ok(event));
        assert_eq!(event.to_frame(), *frame, "{kind:?}");
    }
}

/// A path longer than a frame.
fn long_path() -> Vec<u8> {
    [&b"/w/"[..], &b"long".repeat(48)].concat()
}

fn check_stream(golden: &[u8]) {
    let long = long_path();
    let event = |kind, time_ns, tid| TraceEvent::new(kind, time_ns, 100, tid);
    let start = TraceEvent {
        text: TextId(1),
        text2: TextId(2),
        value: 1_700_000_000_123_456_789,
        ..event(EventKind::Start, 0, 100)
    };
    let open = TraceEvent {
        flags: EventFlags::EXISTED,
        fd: 3,
        text: TextId(3),
        value: 2,
        stamp: FileStamp {
            dev: 0x801,
            ino: 42,
            size: 10,
            mtime_ns: -1,
            ctime_ns: 1_700_000_000_000_000_000,
            mode: 0o100_644,
            nlink: 1,
        },
        ..event(EventKind::Open, 10, 101)
    };
    let read = TraceEvent { fd: 3, value: 10, ..event(EventKind::Read, 20, 101) };
    let link = TraceEvent {
        flags: EventFlags::NAMELESS,
        text: TextId(3),
        text2: TextId(4),
        ..event(EventKind::Link, 30, 100)
    };
    let end = TraceEvent { value: 0x300, ..event(EventKind::End, 40, 100) };
    let items = [
        Item::Text(TextId(1), b"/w"),
        Item::Text(TextId(2), b"cmd\0-x\0"),
        Item::Event(start),
        Item::Text(TextId(3), b"/w/caf\xe9"),
        Item::Event(open),
        Item::Event(read),
        Item::Unknown(200),
        Item::Text(TextId(4), &long),
        Item::Event(link),
        Item::Event(end),
    ];
    assert_eq!(Reader::new(golden).collect::<Vec<_>>(), items);

    let mut written = Vec::new();
    for item in &items {
        match item {
            Item::Text(id, text) => put_text(&mut written, *id, text),
            Item::Event(event) => written.extend_from_slice(&event.to_frame()),
            Item::Unknown(number) => {
                let mut frame = TraceEvent::new(EventKind::End, 25, 100, 101).to_frame();
                frame[16] = *number;
                written.extend_from_slice(&frame);
            }
        }
    }
    // What was never written ends the stream, whatever comes after it.
    let tail = golden.strip_prefix(&written[..]).expect("the bytes written are those of the file");
    assert_eq!(tail.len(), 2 * FRAME_BYTES);
    assert_eq!(tail[..FRAME_BYTES], [0; FRAME_BYTES]);
}

fn processes() -> Vec<ProcessRecord> {
    vec![
        ProcessRecord {
            pid: 100,
            parent: None,
            exe: "/usr/bin/sh".into(),
            argv: vec!["sh".into(), b"\xff"[..].into()],
            cwd: "/w".into(),
            started_ns: 1,
            ended_ns: Some(9000),
            exit: Some(Exit::Code { code: 3 }),
        },
        ProcessRecord {
            pid: 101,
            parent: Some(100),
            exe: "".into(),
            argv: vec![],
            cwd: "/w/d".into(),
            started_ns: 2,
            ended_ns: None,
            exit: None,
        },
    ]
}

fn coverage() -> Coverage {
    let static_program = Gap {
        kind: GapKind::StaticProgram,
        pid: 101,
        path: Some("/w/tool".into()),
        detail: "it is static".into(),
    };
    let lost = Gap { kind: GapKind::EventsLost, pid: 0, path: None, detail: "7 events".into() };
    Coverage { complete: false, events_lost: 7, gaps: vec![static_program, lost] }
}

fn stats() -> TracerStats {
    TracerStats {
        events: 812,
        overhead_ns: 190_000,
        fell_back_from: vec![FellBack { backend: "ebpf".into(), reason: "no BTF".into() }],
        mode: "seccomp".into(),
    }
}

fn stamp(ino: u64, size: u64, mtime_ns: i64, ctime_ns: i64, mode: u32, nlink: u32) -> FileStamp {
    FileStamp { dev: 2049, ino, size, mtime_ns, ctime_ns, mode, nlink }
}

fn summary(path: &[u8], role: Role) -> FileSummary {
    FileSummary {
        path: path.into(),
        role,
        read: false,
        written: false,
        executed: false,
        created: false,
        deleted: false,
        prior: None,
        kind: NodeKind::File,
        renamed_from: None,
        bytes_read: Some(0),
        bytes_written: Some(0),
        pids: vec![],
        before: None,
        content_at: None,
        moved: false,
        after: None,
        first: None,
    }
}

fn summaries() -> Vec<FileSummary> {
    let input = FileSummary {
        read: true,
        executed: true,
        bytes_read: None,
        pids: vec![100, 101],
        before: Some(stamp(42, 10, -5, 1_700_000_000_000_000_001, 0o100_755, 2)),
        content_at: Some("/w/in2".into()),
        moved: true,
        ..summary(b"/w/in", Role::Input)
    };
    let replaced = FileSummary {
        written: true,
        prior: Some(Prior::Replaced),
        renamed_from: Some("/w/in".into()),
        bytes_written: None,
        pids: vec![100],
        before: Some(stamp(43, 0, 1, 2, 0o100_600, 1)),
        after: Some(stamp(42, 10, -5, 1_700_000_000_000_000_002, 0o100_755, 1)),
        ..summary(b"/w/\xe9", Role::Output)
    };
    let kept = FileSummary {
        written: true,
        prior: Some(Prior::Kept),
        bytes_written: Some(5),
        pids: vec![100],
        ..summary(b"/w/kept", Role::Output)
    };
    let temporary = FileSummary {
        created: true,
        deleted: true,
        kind: NodeKind::Symlink,
        ..summary(b"/w/s", Role::Temporary)
    };
    let deleted = FileSummary { deleted: true, ..summary(b"/w/gone", Role::Deleted) };
    vec![input, replaced, kept, temporary, deleted]
}

fn check_tracer_report(golden: &[u8]) {
    let report = TracerReport {
        version: 1,
        backend: "ptrace".into(),
        command: vec!["sh".into(), b"\xff"[..].into()],
        cwd: "/w".into(),
        root_pid: 100,
        started_unix_ns: 1_700_000_000_123_456_789,
        duration_ns: 9001,
        exit: Some(Exit::Signal { signal: 11, core: true }),
        coverage: coverage(),
        processes: processes(),
        files: summaries(),
        tasks: vec![],
        looked_up: Default::default(),
        tracer: stats(),
    };
    assert_eq!(TRACER_REPORT_VERSION, 1);
    let decoded: TracerReport = rmp_serde::from_slice(golden).expect("the file is a report");
    assert_eq!(decoded, report);
    let encoded = rmp_serde::to_vec_named(&report).expect("a report can be encoded");
    assert_eq!(encoded, golden);
}

fn record(path: &[u8], role: Role) -> FileRecord {
    FileRecord {
        path: path.into(),
        role,
        read: false,
        written: false,
        executed: false,
        created: false,
        deleted: false,
        prior: None,
        kind: NodeKind::File,
        renamed_from: None,
        bytes_read: Some(0),
        bytes_written: Some(0),
        pids: vec![],
        size: None,
        hash: None,
        prior_hash: None,
        filtered: false,
        note: None,
        first: None,
        since_unix_ns: None,
    }
}

fn hashes(pairs: &[(&str, u8)]) -> Option<Hashes> {
    Some(pairs.iter().map(|(name, byte)| (*name, [*byte; 32])).collect())
}

fn records() -> Vec<FileRecord> {
    let input = FileRecord {
        read: true,
        executed: true,
        bytes_read: None,
        pids: vec![100, 101],
        size: Some(10),
        hash: hashes(&[("blake3", 0xab), ("sha256", 0xcd)]),
        filtered: true,
        note: Some("changed".into()),
        ..record(b"/w/in", Role::Input)
    };
    let replaced = FileRecord {
        written: true,
        prior: Some(Prior::Replaced),
        renamed_from: Some("/w/in".into()),
        bytes_written: None,
        pids: vec![100],
        size: Some(0),
        prior_hash: hashes(&[("blake3", 0xef)]),
        ..record(b"/w/\xe9", Role::Output)
    };
    let kept = FileRecord {
        written: true,
        prior: Some(Prior::Kept),
        bytes_written: Some(5),
        pids: vec![100],
        ..record(b"/w/kept", Role::Output)
    };
    let temporary = FileRecord {
        created: true,
        deleted: true,
        kind: NodeKind::Symlink,
        ..record(b"/w/s", Role::Temporary)
    };
    let deleted = FileRecord { deleted: true, ..record(b"/w/gone", Role::Deleted) };
    vec![input, replaced, kept, temporary, deleted]
}

fn check_run_report(golden: &[u8]) {
    let report = RunReport {
        format: "roar.report/1".into(),
        backend: "preload".into(),
        command: vec!["sh".into(), b"\xff"[..].into()],
        cwd: "/w".into(),
        root_pid: 100,
        started_at: "2026-01-31T12:00:00.123456789Z".into(),
        duration_ns: 9001,
        exit: Some(Exit::Signal { signal: 11, core: true }),
        coverage: coverage(),
        processes: processes(),
        files: records(),
        tasks: vec![],
        objects: vec![],
        looked_up: Default::default(),
        tracer: stats(),
    };
    assert_eq!(RUN_REPORT_FORMAT, "roar.report/1");
    let decoded: RunReport = serde_json::from_slice(golden).expect("the file is a report");
    assert_eq!(decoded, report);
    let mut encoded = serde_json::to_string_pretty(&report).expect("a report can be encoded");
    encoded.push('\n');
    assert_eq!(encoded.as_bytes(), golden);
}

#[test]
fn a_path_of_any_bytes_is_bytes_in_a_tracer_report() {
    let path = PathBytes::from(&b"\xff/a"[..]);
    assert_eq!(rmp_serde::to_vec_named(&path).unwrap(), b"\xc4\x03\xff/a");
}
